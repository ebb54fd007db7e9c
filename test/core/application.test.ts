import { type Environ, type ResponseBody, type StartResponse, toApplication } from '@wsgi/core';
import { describe, expect, it } from 'vitest';

const environ = { PATH_INFO: '/x' } as Environ;

/** The body that an application gives, and the statuses that it sent. */
async function callIt(app: unknown): Promise<[statuses: string[], body: string]> {
  const statuses: string[] = [];
  const startResponse: StartResponse = (status) => {
    statuses.push(status);
    return () => {};
  };
  const body = await toApplication(app as never)(environ, startResponse);
  let text = '';
  for await (const chunk of body as AsyncIterable<Uint8Array>) text += String(chunk);
  return [statuses, text];
}

class SyncApp {
  readonly #environ: Environ;
  readonly #startResponse: StartResponse;
  constructor(environ: Environ, startResponse: StartResponse) {
    this.#environ = environ;
    this.#startResponse = startResponse;
  }
  *[Symbol.iterator]() {
    this.#startResponse('200 OK', []);
    yield Buffer.from(this.#environ.PATH_INFO);
  }
}

class AsyncApp {
  readonly #sync: SyncApp;
  constructor(environ: Environ, startResponse: StartResponse) {
    this.#sync = new SyncApp(environ, startResponse);
  }
  async *[Symbol.asyncIterator]() {
    yield* this.#sync;
  }
}

/** What a compiler for old engines makes of a class. */
function OldApp(
  this: { environ: Environ; start: StartResponse },
  e: Environ,
  start: StartResponse,
) {
  this.environ = e;
  this.start = start;
}
OldApp.prototype[Symbol.iterator] = function* (this: { environ: Environ; start: StartResponse }) {
  this.start('200 OK', []);
  yield Buffer.from(this.environ.PATH_INFO);
};

const answer = (e: Environ, start: StartResponse): ResponseBody => {
  start('200 OK', []);
  return [Buffer.from(e.PATH_INFO)];
};

const shapes: Record<string, unknown> = {
  'a function': answer,
  'an async function': async (e: Environ, start: StartResponse) => answer(e, start),
  'a generator function': function* (e: Environ, start: StartResponse) {
    yield* answer(e, start) as Uint8Array[];
  },
  'an async generator function': async function* (e: Environ, start: StartResponse) {
    yield* answer(e, start) as Uint8Array[];
  },
  'an object with a method call': { call: answer },
  'an object whose call needs its this': new (class {
    #path = '/x';
    call(_e: Environ, start: StartResponse) {
      return answer({ PATH_INFO: this.#path } as Environ, start);
    }
  })(),
  'a class whose instances are iterable': SyncApp,
  'a class whose instances are asynchronously iterable': AsyncApp,
  'a class that inherits its iterator': class extends SyncApp {},
  'a class that was compiled to a function': OldApp,
  'a bound function': answer.bind(null),
};

describe('toApplication', () => {
  it.each(Object.entries(shapes))('takes %s', async (_name, app) => {
    expect(await callIt(app)).toEqual([['200 OK'], '/x']);
  });

  it('makes a new instance for each request', async () => {
    let made = 0;
    const app = class extends SyncApp {
      constructor(e: Environ, start: StartResponse) {
        super(e, start);
        made += 1;
      }
    };
    await callIt(app);
    await callIt(app);
    expect(made).toBe(2);
  });

  it.each([
    ['a string', 'app', 'not the string "app"'],
    ['null', null, 'not null'],
    ['undefined', undefined, /; not undefined$/],
    ['a number', 5, 'not number 5'],
    ['an array', [answer], 'not an array'],
    ['an object without call', { run: answer }, 'not an object without a method call'],
    ['an object whose call is no function', { call: 'x' }, 'not an object without a method call'],
  ])('refuses %s at once', (_name, app, message) => {
    expect(() => toApplication(app as never)).toThrow(TypeError);
    expect(() => toApplication(app as never)).toThrow(message);
  });

  it('refuses a class whose instances are not iterable, and says what to give it', () => {
    class NoApp {}
    expect(() => toApplication(NoApp as never)).toThrow(
      /class NoApp is no gateway application.*\*\[Symbol\.iterator\]\(\)/,
    );
  });
});
