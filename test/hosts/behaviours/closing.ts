import type { ResponseBody, StartResponse } from '@wsgi/core';
import { expect } from 'vitest';
import type { Behaviour } from '../stage.ts';
import { bytes, deferred, eventually, expectPlain500, pause, text } from './apps.ts';

/** A body that writes down what is done to it. */
function watched(log: string[], chunks: Array<string | Error>, asynchronous = false): ResponseBody {
  const left = [...chunks];
  const step = (): IteratorResult<Uint8Array> => {
    const chunk = left.shift();
    if (chunk instanceof Error) throw chunk;
    return chunk === undefined ? { done: true, value: undefined } : { value: bytes(chunk) };
  };
  const close = () => {
    log.push('close');
  };
  const returned = () => {
    log.push('return');
    return { done: true as const, value: undefined };
  };
  if (asynchronous) {
    const iterator = {
      next: async () => step(),
      return: async () => returned(),
    };
    return { [Symbol.asyncIterator]: () => iterator, close };
  }
  const iterator = { next: step, return: returned };
  return { [Symbol.iterator]: () => iterator, close };
}

const start = (startResponse: StartResponse): void => {
  startResponse('200 OK', [...text]);
};

const both = async (check: (asynchronous: boolean) => Promise<void>): Promise<void> => {
  await check(false);
  await check(true);
};

export const closing: Behaviour[] = [
  {
    name: 'close() is called once after the last chunk, and return() is not',
    run: (stage) =>
      both(async (asynchronous) => {
        const log: string[] = [];
        const mounted = await stage.mount((_environ, startResponse) => {
          start(startResponse);
          return watched(log, ['a', 'b'], asynchronous);
        });
        expect((await mounted.fetch()).text).toBe('ab');
        await eventually(() => log.length > 0);
        await pause(5);
        expect(log).toEqual(['close']);
      }),
  },
  {
    name: 'close() of an array is called once',
    async run(stage) {
      const log: string[] = [];
      const mounted = await stage.mount((_environ, startResponse) => {
        start(startResponse);
        return Object.assign([bytes('a')], {
          close: () => {
            log.push('close');
          },
        });
      });
      expect((await mounted.fetch()).text).toBe('a');
      await eventually(() => log.length > 0);
      await pause(5);
      expect(log).toEqual(['close']);
    },
  },
  {
    name: 'close() is called with the body as its this',
    async run(stage) {
      const seen: unknown[] = [];
      class Body {
        *[Symbol.iterator]() {
          yield bytes('a');
        }
        close(): void {
          seen.push(this instanceof Body);
        }
      }
      const mounted = await stage.mount((_environ, startResponse) => {
        start(startResponse);
        return new Body();
      });
      await mounted.fetch();
      await eventually(() => seen.length > 0);
      expect(seen).toEqual([true]);
    },
  },
  {
    name: 'an instance of an application class is closed',
    async run(stage) {
      const log: string[] = [];
      class App {
        #startResponse: StartResponse;
        constructor(_environ: unknown, startResponse: StartResponse) {
          this.#startResponse = startResponse;
        }
        *[Symbol.iterator]() {
          start(this.#startResponse);
          yield bytes('a');
        }
        close(): void {
          log.push('close');
        }
      }
      const mounted = await stage.mount(App);
      await mounted.fetch();
      await eventually(() => log.length > 0);
      expect(log).toEqual(['close']);
    },
  },
  {
    name: 'close() is called once when the iteration throws before the first byte',
    run: (stage) =>
      both(async (asynchronous) => {
        const log: string[] = [];
        const mounted = await stage.mount((_environ, startResponse) => {
          start(startResponse);
          return watched(log, [new Error('secret')], asynchronous);
        });
        expectPlain500(mounted, await mounted.fetch(), 'secret');
        await eventually(() => log.includes('close'));
        await pause(5);
        expect(log.filter((entry) => entry === 'close')).toEqual(['close']);
      }),
  },
  {
    name: 'close() is called once when the iteration throws midway',
    run: (stage) =>
      both(async (asynchronous) => {
        const log: string[] = [];
        const mounted = await stage.mount((_environ, startResponse) => {
          start(startResponse);
          return watched(log, ['a', new Error('broke')], asynchronous);
        });
        expect((await mounted.fetch()).complete).toBe(false);
        await eventually(() => log.includes('close'));
        await pause(5);
        expect(log.filter((entry) => entry === 'close')).toEqual(['close']);
      }),
  },
  {
    name: 'close() is called once, and the iteration ended, when startResponse was never called',
    run: (stage) =>
      both(async (asynchronous) => {
        const log: string[] = [];
        const mounted = await stage.mount(() => watched(log, ['a', 'b'], asynchronous), {
          unwrapped: 'never calls startResponse',
        });
        expect((await mounted.fetch()).status).toBe(500);
        await eventually(() => log.includes('close'));
        await pause(5);
        expect(log.toSorted()).toEqual(['close', 'return']);
      }),
  },
  {
    name: 'an iteration left at a HEAD request is ended by return() and close()',
    run: (stage) =>
      both(async (asynchronous) => {
        const log: string[] = [];
        const mounted = await stage.mount(
          (_environ, startResponse) => {
            start(startResponse);
            return watched(log, ['a', 'b', 'c', 'd'], asynchronous);
          },
          { unwrapped: 'a body on HEAD' },
        );
        expect((await mounted.fetch({ method: 'HEAD' })).status).toBe(200);
        await eventually(() => log.includes('close'));
        await pause(5);
        expect(log.filter((entry) => entry === 'close')).toEqual(['close']);
        expect(log.filter((entry) => entry === 'return').length).toBeLessThan(2);
      }),
  },
  {
    name: 'an iteration left at the Content-Length is ended by return() and close()',
    run: (stage) =>
      both(async (asynchronous) => {
        const log: string[] = [];
        const mounted = await stage.mount(
          (_environ, startResponse) => {
            startResponse('200 OK', [...text, ['Content-Length', '1']]);
            return watched(log, ['ab', 'c', 'd'], asynchronous);
          },
          { unwrapped: 'sends more than its Content-Length' },
        );
        expect((await mounted.fetch()).text).toBe('a');
        await eventually(() => log.includes('close'));
        await pause(5);
        expect(log.toSorted()).toEqual(['close', 'return']);
      }),
  },
  {
    name: 'a chunk that is refused ends the iteration by return() and close()',
    run: (stage) =>
      both(async (asynchronous) => {
        const log: string[] = [];
        const mounted = await stage.mount(
          (_environ, startResponse) => {
            start(startResponse);
            const body = watched(log, ['a', 'b'], asynchronous);
            const iterator =
              Symbol.iterator in body ? body[Symbol.iterator]() : body[Symbol.asyncIterator]();
            const wrong = { value: 'a string' };
            const next = () => (asynchronous ? Promise.resolve(wrong) : wrong);
            const inner = Object.assign(iterator, { next });
            const key = asynchronous ? Symbol.asyncIterator : Symbol.iterator;
            return {
              [key]: () => inner,
              close: () => body.close?.(),
            } as unknown as ResponseBody;
          },
          { unwrapped: 'yields a string' },
        );
        expect((await mounted.fetch()).status).toBe(500);
        await eventually(() => log.includes('close'));
        await pause(5);
        expect(log.toSorted()).toEqual(['close', 'return']);
      }),
  },
  {
    name: 'the finally of a generator runs, and what it throws is only reported',
    async run(stage) {
      const log: string[] = [];
      const mounted = await stage.mount(
        function* (_environ, startResponse) {
          startResponse('200 OK', [...text, ['Content-Length', '1']]);
          try {
            for (;;) yield bytes('ab');
          } finally {
            log.push('finally');
            // biome-ignore lint/correctness/noUnsafeFinally: it is what this behaviour is about.
            throw new Error('in finally');
          }
        },
        { unwrapped: 'sends more than its Content-Length' },
      );
      const response = await mounted.fetch();
      expect(response.text).toBe('a');
      await eventually(() => log.length > 0);
      await eventually(() => mounted.reported().includes('in finally'));
      expect(log).toEqual(['finally']);
    },
  },
  {
    name: 'a close() that takes its time holds no response back',
    async run(stage) {
      const bodies: Array<() => ResponseBody> = [
        () => [bytes('whole')],
        () => [bytes('whole')].values(),
        async function* () {
          yield bytes('whole');
        },
      ];
      for (const body of bodies) {
        const tidied = deferred();
        const mounted = await stage.mount((_environ, startResponse) => {
          start(startResponse);
          return Object.assign(body(), { close: () => tidied.promise });
        });
        const response = await mounted.fetch();
        expect([response.text, response.complete]).toEqual(['whole', true]);
        tidied.resolve();
      }
    },
  },
  {
    name: 'a close() that throws or rejects spoils no response that was sent, and is reported',
    async run(stage) {
      for (const close of [
        () => {
          throw new Error('close failed');
        },
        async () => {
          await pause(5);
          throw new Error('close failed');
        },
      ]) {
        const mounted = await stage.mount((_environ, startResponse) => {
          start(startResponse);
          return {
            *[Symbol.iterator]() {
              yield bytes('whole');
            },
            close,
          };
        });
        const response = await mounted.fetch();
        expect(response.text).toBe('whole');
        await eventually(() => mounted.reported().includes('close failed'));
        expect((await mounted.fetch()).text).toBe('whole');
      }
    },
  },
  {
    name: 'an error is reported although close() fails as well',
    async run(stage) {
      const mounted = await stage.mount((_environ, startResponse) => {
        start(startResponse);
        return {
          // biome-ignore lint/correctness/useYield: it fails before its first chunk.
          *[Symbol.iterator]() {
            throw new Error('the first failure');
          },
          close: async () => {
            throw new Error('the second failure');
          },
        };
      });
      expectPlain500(mounted, await mounted.fetch(), 'failure');
      await eventually(() => mounted.reported().includes('the second failure'));
      expect(mounted.reported()).toContain('the first failure');
    },
  },
];
