import type { Application, ApplicationLike, Environ, StartResponse } from '@wsgi/core';
import { expect } from 'vitest';
import type { Behaviour, Stage } from '../stage.ts';
import { bytes, expectPlain500, ok, text } from './apps.ts';

/** The application answers 200 with the text `one two`. */
const answers = (name: string, app: ApplicationLike): Behaviour => ({
  name,
  async run(stage) {
    const mounted = await stage.mount(app);
    const response = await mounted.fetch();
    expect([response.status, response.text, response.complete, mounted.reported()]).toEqual([
      200,
      'one two',
      true,
      '',
    ]);
    expect(response.header('content-type')).toBe('text/plain');
  },
});

const start = (startResponse: StartResponse): void => {
  startResponse('200 OK', [...text]);
};

/** What is returned is refused with a message that says what to write instead. */
async function expectBodyRefused(stage: Stage, body: unknown, advice: RegExp): Promise<void> {
  for (const promised of [false, true]) {
    const app = (_environ: Environ, startResponse: StartResponse): unknown => {
      start(startResponse);
      return promised ? Promise.resolve(body) : body;
    };
    const mounted = await stage.mount(app as Application, {
      unwrapped: 'returns what is no body',
    });
    expectPlain500(mounted, await mounted.fetch(), 'secret');
    expect(mounted.reported()).toMatch(/TypeError/);
    expect(mounted.reported()).toMatch(advice);
  }
}

/** A chunk is refused: as a 500 when it is the first, by a cut response when bytes have gone before. */
async function expectChunkRefused(stage: Stage, chunk: unknown, advice: RegExp): Promise<void> {
  const unwrapped = 'yields what are no bytes';
  const chunks = [chunk] as Uint8Array[];
  const first = await stage.mount(
    (_environ, startResponse) => {
      start(startResponse);
      return chunks;
    },
    { unwrapped },
  );
  expectPlain500(first, await first.fetch(), 'secret');
  expect(first.reported()).toMatch(/TypeError/);
  expect(first.reported()).toMatch(advice);

  const later = await stage.mount(
    async function* (_environ, startResponse) {
      start(startResponse);
      yield bytes('good');
      yield* chunks;
    },
    { unwrapped },
  );
  const cut = await later.fetch();
  expect([cut.complete, cut.text.replace('good', '')]).toEqual([false, '']);
  expect(later.reported()).toMatch(advice);
}

class AppClass {
  #startResponse: StartResponse;
  constructor(_environ: Environ, startResponse: StartResponse) {
    this.#startResponse = startResponse;
  }
  *[Symbol.iterator](): Generator<Uint8Array> {
    start(this.#startResponse);
    yield bytes('one ');
    yield bytes('two');
  }
}

class AsyncAppClass {
  #startResponse: StartResponse;
  constructor(_environ: Environ, startResponse: StartResponse) {
    this.#startResponse = startResponse;
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    start(this.#startResponse);
    yield bytes('one ');
    yield bytes('two');
  }
}

class AppObject {
  words = ['one ', 'two'];
  call(_environ: Environ, startResponse: StartResponse): Uint8Array[] {
    start(startResponse);
    return this.words.map(bytes);
  }
}

export const appForms: Behaviour[] = [
  answers('a function that returns an array', (_environ, startResponse) => {
    start(startResponse);
    return [bytes('one '), bytes('two')];
  }),
  answers('a function that promises an array', async (_environ, startResponse) => {
    await null;
    start(startResponse);
    return [bytes('one '), bytes('two')];
  }),
  answers('a generator function', function* (_environ, startResponse) {
    start(startResponse);
    yield bytes('one ');
    yield bytes('two');
  }),
  answers('an async generator function', async function* (_environ, startResponse) {
    await null;
    start(startResponse);
    yield bytes('one ');
    await null;
    yield bytes('two');
  }),
  answers('a function that promises an async generator', async (_environ, startResponse) => {
    start(startResponse);
    return (async function* () {
      yield bytes('one ');
      yield bytes('two');
    })();
  }),
  answers('an object with a method call', new AppObject()),
  answers('a class whose instances are iterable', AppClass),
  answers('a class whose instances are async iterable', AsyncAppClass),
  answers('an iterable that is no array', (_environ, startResponse) => {
    start(startResponse);
    return new Set([bytes('one '), bytes(''), bytes('two')]);
  }),
  answers('an iterator written by hand, without return()', (_environ, startResponse) => {
    start(startResponse);
    const words = ['one ', 'two'];
    return {
      [Symbol.iterator]: () => ({
        next: (): IteratorResult<Uint8Array> => {
          const word = words.shift();
          return word === undefined ? { done: true, value: undefined } : { value: bytes(word) };
        },
      }),
    };
  }),
  answers('a view into a larger buffer', (_environ, startResponse) => {
    start(startResponse);
    const large = new TextEncoder().encode('xxone twoxx');
    return [large.subarray(2, 5), new Uint8Array(large.buffer, 5, 4)];
  }),
  answers('many small chunks, empty ones among them', function* (_environ, startResponse) {
    start(startResponse);
    for (const letter of 'one two') {
      yield bytes('');
      yield bytes(letter);
    }
    yield bytes('');
  }),
  {
    name: 'an empty array is an empty response',
    async run(stage) {
      const mounted = await stage.mount((_environ, startResponse) => {
        start(startResponse);
        return [];
      });
      const response = await mounted.fetch();
      expect([response.status, response.body.length, response.complete]).toEqual([200, 0, true]);
    },
  },
  {
    name: 'what is no application is a TypeError at mount',
    async run(stage) {
      for (const app of [undefined, null, 1, 'app', {}, { call: 'not a method' }, [], Symbol()]) {
        const unwrapped = 'no application';
        await expect(stage.mount(app as ApplicationLike, { unwrapped })).rejects.toThrow(TypeError);
      }
    },
  },
  {
    name: 'a returned string is refused',
    run: (stage) => expectBodyRefused(stage, 'secret', /string[\s\S]*\[/),
  },
  {
    name: 'a returned Uint8Array is refused',
    run: (stage) => expectBodyRefused(stage, bytes('secret'), /Uint8Array[\s\S]*\[/),
  },
  {
    name: 'a returned undefined is refused',
    run: (stage) => expectBodyRefused(stage, undefined, /undefined/),
  },
  {
    name: 'anything else that is not iterable is refused',
    async run(stage) {
      for (const body of [null, 1, {}, { length: 1, 0: bytes('x') }, () => []]) {
        await expectBodyRefused(stage, body, /iterable/);
      }
    },
  },
  {
    name: 'a chunk that is a string is refused',
    run: (stage) => expectChunkRefused(stage, 'secret', /string[\s\S]*(Buffer|TextEncoder)/),
  },
  {
    name: 'a chunk that is no Uint8Array is refused',
    async run(stage) {
      for (const chunk of [1, undefined, null, [115], new ArrayBuffer(4), new Uint16Array(2)]) {
        await expectChunkRefused(stage, chunk, /Uint8Array/);
      }
    },
  },
  {
    name: 'an application that is called many times at once keeps its answers apart',
    async run(stage) {
      const mounted = await stage.mount(async function* (environ, startResponse) {
        start(startResponse);
        yield bytes(environ.PATH_INFO);
        await null;
        yield bytes(environ.QUERY_STRING);
      });
      const responses = await Promise.all(
        Array.from({ length: 25 }, (_, i) => mounted.fetch({ target: `/p${i}?q${i}` })),
      );
      expect(responses.map((response) => response.text)).toEqual(
        responses.map((_, i) => `/p${i}q${i}`),
      );
    },
  },
  {
    name: 'a wholly synchronous application runs to its end without a microtask',
    async run(stage) {
      const order: string[] = [];
      const mounted = await stage.mount((_environ, startResponse) => {
        queueMicrotask(() => order.push('microtask'));
        const body: Uint8Array[] & { close?(): void } = ok(startResponse);
        body.close = () => order.push('close');
        return body;
      });
      expect((await mounted.fetch()).text).toBe('ok');
      expect(order).toEqual(['close', 'microtask']);
    },
  },
];
