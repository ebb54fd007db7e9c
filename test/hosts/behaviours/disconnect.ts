import type { Environ, ResponseBody } from '@wsgi/core';
import { expect } from 'vitest';
import type { Behaviour, Mounted } from '../stage.ts';
import { bytes, deferred, eventually, ok, pause, settled, text } from './apps.ts';

/** After a client has gone: nothing was reported as an error, and the server serves on. */
async function expectQuiet(mounted: Mounted): Promise<void> {
  await pause(10);
  expect(mounted.reported()).toBe('');
  expect(mounted.handed ?? []).toEqual([]);
  expect((await mounted.fetch({ target: '/next' })).text).toBe('ok');
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

export const disconnect: Behaviour[] = [
  {
    name: 'a client that goes before the application has returned fires the signal',
    async run(stage) {
      const entered = deferred();
      const left = deferred();
      const mounted = await stage.mount(async (environ, startResponse) => {
        if (environ.PATH_INFO === '/next') return ok(startResponse);
        entered.resolve();
        await aborted(environ['gateway.signal']());
        left.resolve();
        return ok(startResponse);
      });
      const exchange = (await mounted.connect()).start();
      await entered.promise;
      exchange.abort();
      await left.promise;
      await expectQuiet(mounted);
    },
  },
  {
    name: 'what an application returns after the client has gone is closed, not iterated',
    async run(stage) {
      const entered = deferred();
      const log: string[] = [];
      const mounted = await stage.mount(async (environ, startResponse) => {
        if (environ.PATH_INFO === '/next') return ok(startResponse);
        entered.resolve();
        await aborted(environ['gateway.signal']());
        startResponse('200 OK', [...text]);
        return {
          *[Symbol.iterator]() {
            log.push('next');
            yield bytes('x');
          },
          close: () => {
            log.push('close');
          },
        };
      });
      const exchange = (await mounted.connect()).start();
      await entered.promise;
      exchange.abort();
      await eventually(() => log.includes('close'));
      await pause(5);
      expect(log).toEqual(['close']);
      await expectQuiet(mounted);
    },
  },
  {
    name: 'a client that goes while the next chunk is awaited stops the iteration and closes the body',
    async run(stage) {
      const log: string[] = [];
      const mounted = await stage.mount((environ, startResponse): ResponseBody => {
        if (environ.PATH_INFO === '/next') return ok(startResponse);
        startResponse('200 OK', [...text]);
        const signal = environ['gateway.signal']();
        return {
          async *[Symbol.asyncIterator]() {
            try {
              yield bytes('first');
              await aborted(signal);
              log.push('signal');
              yield bytes('to nobody');
              log.push('asked again');
            } finally {
              log.push('finally');
            }
          },
          close: () => {
            log.push('close');
          },
        };
      });
      const exchange = (await mounted.connect()).start();
      await exchange.until('first');
      exchange.abort();
      await eventually(() => log.includes('finally') && log.includes('close'));
      await pause(5);
      expect(log.toSorted()).toEqual(['close', 'finally', 'signal']);
      await expectQuiet(mounted);
    },
  },
  {
    name: 'a body that will never give its next chunk is closed once the client has gone',
    async run(stage) {
      const log: string[] = [];
      const mounted = await stage.mount((environ, startResponse): ResponseBody => {
        if (environ.PATH_INFO === '/next') return ok(startResponse);
        startResponse('200 OK', [...text]);
        let asked = 0;
        return {
          [Symbol.asyncIterator]: () => ({
            next: (): Promise<IteratorResult<Uint8Array>> =>
              asked++ === 0
                ? Promise.resolve({ value: bytes('first') })
                : new Promise<never>(() => {}),
            return: async () => {
              log.push('return');
              return { done: true, value: undefined };
            },
          }),
          close: () => {
            log.push('close');
          },
        };
      });
      const exchange = (await mounted.connect()).start();
      await exchange.until('first');
      exchange.abort();
      await eventually(() => log.includes('close'));
      await pause(5);
      expect(log.toSorted()).toEqual(['close', 'return']);
      await expectQuiet(mounted);
    },
  },
  {
    name: 'a client that goes while the transport is full stops the iteration and closes the body',
    async run(stage) {
      for (const asynchronous of [false, true]) {
        const log: string[] = [];
        let asked = 0;
        const block = Buffer.alloc(64 * 1024);
        const next = (): IteratorResult<Uint8Array> => {
          asked++;
          return { value: block };
        };
        const returned = () => {
          log.push('return');
          return { done: true as const, value: undefined };
        };
        const close = () => {
          log.push('close');
        };
        const mounted = await stage.mount((environ, startResponse): ResponseBody => {
          if (environ.PATH_INFO === '/next') return ok(startResponse);
          startResponse('200 OK', [...text]);
          if (!asynchronous)
            return {
              [Symbol.iterator]: () => ({ next, return: returned }),
              close,
            };
          const iterator = {
            next: async () => next(),
            return: async () => returned(),
          };
          return { [Symbol.asyncIterator]: () => iterator, close };
        });
        const exchange = (await mounted.connect()).start();
        exchange.pause();
        await eventually(() => asked > 0);
        const full = await settled(() => asked);
        expect(full * block.length).toBeLessThan(64 * 1024 * 1024);
        exchange.abort();
        await eventually(() => log.includes('close'));
        await pause(5);
        expect(log.toSorted()).toEqual(['close', 'return']);
        expect(asked - full).toBeLessThan(64);
        await expectQuiet(mounted);
      }
    },
  },
  {
    name: 'a write that waits for the transport is rejected with ECONNRESET once the client has gone',
    async run(stage) {
      const caught: unknown[] = [];
      let written = 0;
      const mounted = await stage.mount(async (environ, startResponse) => {
        if (environ.PATH_INFO === '/next') return ok(startResponse);
        const write = startResponse('200 OK', [...text]);
        const block = Buffer.alloc(16 * 1024);
        try {
          for (;;) {
            await write(block);
            written++;
          }
        } catch (error) {
          caught.push(error);
          throw error;
        }
      });
      const exchange = (await mounted.connect()).start();
      exchange.pause();
      await eventually(() => written > 0);
      await settled(() => written);
      exchange.abort();
      await eventually(() => caught.length > 0);
      expect(caught).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
      await expectQuiet(mounted);
    },
  },
  {
    name: 'a client that goes during its upload rejects the read with ECONNRESET',
    async run(stage) {
      for (const upload of ['unsized', 1000] as const) {
        const caught: unknown[] = [];
        const seen: Environ[] = [];
        const mounted = await stage.mount(async (environ, startResponse) => {
          if (environ.PATH_INFO === '/next') return ok(startResponse);
          try {
            await environ['wsgi.input'].read(4);
            seen.push(environ);
            await environ['wsgi.input'].read();
          } catch (error) {
            caught.push(error);
            throw error;
          }
          return ok(startResponse);
        });
        const exchange = (await mounted.connect()).start({
          method: 'POST',
          upload,
        });
        await exchange.send('half of it');
        await eventually(() => seen.length > 0);
        exchange.abort();
        await eventually(() => caught.length > 0);
        expect(caught).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
        expect(seen[0]?.['gateway.signal']().aborted).toBe(true);
        await expectQuiet(mounted);
      }
    },
  },
  {
    name: 'a read that begins when all is over is rejected with ECONNRESET where the client went away',
    async run(stage) {
      const closed = deferred();
      const caught: unknown[] = [];
      const mounted = await stage.mount(
        (environ, startResponse): ResponseBody => {
          if (environ.PATH_INFO === '/next') return ok(startResponse);
          startResponse('200 OK', [...text]);
          return {
            async *[Symbol.asyncIterator]() {
              yield bytes('first');
              await closed.promise;
              await pause(20);
              await environ['wsgi.input'].read().catch((error) => caught.push(error));
            },
            close: () => closed.resolve(),
          };
        },
        { unwrapped: 'reads after the end, which is for the server to answer' },
      );
      const exchange = (await mounted.connect()).start({ method: 'POST', upload: 1000 });
      await exchange.until('first');
      exchange.abort();
      await eventually(() => caught.length > 0);
      expect(caught).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
      await expectQuiet(mounted);
    },
  },
  {
    name: 'each kind of read is rejected when the upload is cut short, later reads too',
    async run(stage) {
      const codes: unknown[] = [];
      const code = (error: unknown) => {
        codes.push(error instanceof Error && 'code' in error ? error.code : error);
      };
      const entered = deferred();
      const mounted = await stage.mount(async (environ, startResponse) => {
        const input = environ['wsgi.input'];
        entered.resolve();
        await input.readline().catch(code);
        await input.read(50).catch(code);
        await input.readlines().catch(code);
        try {
          for await (const line of input) codes.push(line);
        } catch (error) {
          code(error);
        }
        return ok(startResponse);
      });
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 100,
      });
      await exchange.send('no line end');
      await entered.promise;
      exchange.abort();
      await eventually(() => codes.length === 4);
      expect(codes).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
    },
  },
  {
    name: 'a signal made after the client has gone is aborted already',
    async run(stage) {
      const entered = deferred();
      const go = deferred();
      const states: boolean[] = [];
      const mounted = await stage.mount(async (environ, startResponse) => {
        if (environ.PATH_INFO === '/next') return ok(startResponse);
        entered.resolve();
        await environ['wsgi.input'].read().catch(() => {});
        await go.promise;
        states.push(environ['gateway.signal']().aborted);
        return ok(startResponse);
      });
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 9,
      });
      await entered.promise;
      exchange.abort();
      await pause(30);
      go.resolve();
      await eventually(() => states.length > 0);
      expect(states).toEqual([true]);
      await expectQuiet(mounted);
    },
  },
  {
    name: 'an error of the application after the client has gone breaks nothing',
    async run(stage) {
      const entered = deferred();
      const thrown = deferred();
      const mounted = await stage.mount(async (environ, startResponse) => {
        if (environ.PATH_INFO === '/next') return ok(startResponse);
        entered.resolve();
        await aborted(environ['gateway.signal']());
        thrown.resolve();
        throw new Error('after the fact');
      });
      const exchange = (await mounted.connect()).start();
      await entered.promise;
      exchange.abort();
      await thrown.promise;
      await pause(10);
      expect((await mounted.fetch({ target: '/next' })).text).toBe('ok');
    },
  },
];
