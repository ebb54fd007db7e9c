/** How a body ends that is not read to its end: who is told, and what is released. */
import {
  type Application,
  type Environ,
  type ResponseBody,
  type StartResponse,
  setupTestingDefaults,
} from '@wsgi/core';
import { validator } from '@wsgi/core/validate';
import { describe, expect, it } from 'vitest';

const text: [string, string][] = [['Content-Type', 'text/plain']];
const bytes = (data: string): Uint8Array => Buffer.from(data);
const NOT_CLOSED = "middleware: the body that answered GET '/' to the middleware was not closed";

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

/** A body, and what was done to it. */
interface Watched {
  app: Application;
  left(): boolean;
  closed(): boolean;
}

function watched(asynchronous: boolean): Watched {
  let left = false;
  let closed = false;
  const close = () => {
    closed = true;
  };
  function* now() {
    try {
      yield bytes('a');
      yield bytes('b');
    } finally {
      left = true;
    }
  }
  async function* later() {
    yield* now();
  }
  const app: Application = (_environ, startResponse) => {
    startResponse('200 OK', [...text]);
    return Object.assign(asynchronous ? later() : now(), { close });
  };
  return { app, left: () => left, closed: () => closed };
}

/** Middleware that hands everything on, and releases what it got: not at all, in `finally`, or there after a pause. */
function passing(app: Application, release: 'never' | 'finally' | 'late'): Application {
  return (environ, startResponse) => {
    const body = app(environ, startResponse);
    if (body instanceof Promise) throw new Error('the application promised a body');
    if (Symbol.iterator in body) {
      return (function* () {
        try {
          yield* body;
        } finally {
          if (release === 'finally') body.close?.();
        }
      })();
    }
    return (async function* () {
      try {
        yield* body;
      } finally {
        if (release === 'late') await pause();
        if (release !== 'never') await body.close?.();
      }
    })();
  };
}

interface Reader {
  next(): unknown;
  return(): unknown;
  close(): unknown;
}

/** The body of one request, and a server's hold on it. */
async function request(app: Application, changes: Partial<Environ> = {}): Promise<Reader> {
  const environ: Partial<Environ> = { ...changes };
  setupTestingDefaults(environ);
  const body = await app(environ, () => () => {});
  const chunks = iterate(body);
  return {
    next: () => chunks.next(),
    return: () => chunks.return?.(),
    close: () => body.close?.(),
  };
}

function iterate(body: ResponseBody): Iterator<Uint8Array> | AsyncIterator<Uint8Array> {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

/** What a call throws, at once or later, as text; `''` when it does not. */
async function complaint(run: () => unknown): Promise<string> {
  try {
    await run();
    return '';
  } catch (error) {
    return String(error instanceof Error ? error.message : error);
  }
}

describe.each([
  ['synchronous', false],
  ['asynchronous', true],
])('Of a %s body', (_kind, asynchronous) => {
  const between = (release: 'never' | 'finally' | 'late') => {
    const { app, ...seen } = watched(asynchronous);
    return { app: validator(passing(validator(app), release)), ...seen };
  };

  it('that is left and then closed, all is released', async () => {
    const { app, left, closed } = between('finally');
    const reader = await request(app);
    await reader.next();
    await reader.return();
    expect(await complaint(() => reader.close())).toBe('');
    expect([left(), closed()]).toEqual([true, true]);
  });

  it('that is left and then closed, it is found when the middleware closes nothing', async () => {
    const reader = await request(between('never').app);
    await reader.next();
    await reader.return();
    expect(await complaint(() => reader.close())).toContain(NOT_CLOSED);
  });

  it('that is closed and then left, it is found when the middleware closes nothing', async () => {
    const reader = await request(between('never').app);
    await reader.next();
    expect(await complaint(() => reader.close())).toBe('');
    expect(await complaint(() => reader.return())).toContain(NOT_CLOSED);
  });

  it('that is closed and then left, no time is too late for the middleware to close', async () => {
    const reader = await request(between('finally').app);
    await reader.next();
    expect(await complaint(() => reader.close())).toBe('');
    expect(await complaint(() => reader.return())).toBe('');
  });

  it('that is never begun, it is found when the middleware closes nothing', async () => {
    const reader = await request(between('finally').app);
    expect(await complaint(() => reader.close())).toContain(NOT_CLOSED);
  });

  it('that broke a rule, its end does not hide which one', async () => {
    const wrong: Application = (_environ, startResponse) => {
      startResponse('200 OK', [...text, ['Content-Length', '0']]);
      return asynchronous
        ? (async function* () {
            yield bytes('a');
          })()
        : [bytes('a')];
    };
    const reader = await request(validator(passing(validator(wrong), 'never')));
    expect(await complaint(() => reader.next())).toContain('application: the body has grown to 1');
    expect(await complaint(() => reader.return())).toBe('');
    expect(await complaint(() => reader.close())).toBe('');
  });

  it('that is read on after HEAD, its own iterator is left', async () => {
    const { app, left } = watched(asynchronous);
    const reader = await request(validator(app), { REQUEST_METHOD: 'HEAD' });
    await reader.next();
    expect(left()).toBe(false);
    expect(await complaint(() => reader.next())).toContain('server: the body of an answer to HEAD');
    await pause();
    expect(left()).toBe(true);
    await reader.close();
  });

  it('that yields what is no chunk, its own iterator is left', async () => {
    let left = false;
    function* now() {
      try {
        yield 'text';
      } finally {
        left = true;
      }
    }
    const app = validator((_environ, startResponse) => {
      startResponse('200 OK', [...text]);
      // Text is the point of it.
      const chunks: unknown = asynchronous
        ? (async function* () {
            yield* now();
          })()
        : now();
      return chunks as ResponseBody;
    });
    const reader = await request(app);
    expect(await complaint(() => reader.next())).toContain("must be a Uint8Array, not 'text'");
    await pause();
    expect(left).toBe(true);
    await reader.close();
  });

  it('that failed to close, the input is over as well', async () => {
    let input: Environ['wsgi.input'] | undefined;
    const app = validator((given, startResponse) => {
      input = given['wsgi.input'];
      startResponse('200 OK', [...text]);
      return Object.assign([], {
        close: () => {
          const error = new Error('close failed');
          if (asynchronous) return Promise.reject(error);
          throw error;
        },
      });
    });
    const reader = await request(app);
    expect(await complaint(() => reader.close())).toBe('close failed');
    expect(await complaint(() => input?.read(1))).toContain('after the response had ended');
  });
});

describe('A client that goes while the application is at work is no mistake of', () => {
  type Steps = (
    environ: Environ,
    startResponse: StartResponse,
    waiting: Promise<void>,
  ) => AsyncGenerator<Uint8Array>;

  /** What is said of a body that the server closes while its first chunk is being made. */
  async function cut(
    steps: Steps,
    wrap: (app: Application) => Application,
  ): Promise<{ stepping: string; leaving: string; closing: string }> {
    let goOn = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const app: Application = (environ, startResponse) => steps(environ, startResponse, waiting);
    const reader = await request(wrap(validator(app)));
    const stepping = complaint(() => reader.next());
    const leaving = complaint(() => reader.return());
    const closing = await complaint(() => reader.close());
    goOn();
    return { stepping: await stepping, leaving: await leaving, closing };
  }

  const nothing = { stepping: '', leaving: '', closing: '' };
  const wraps: Array<[string, (app: Application) => Application]> = [
    ['an application', (app) => app],
    ['middleware', (app) => validator(passing(app, 'finally'))],
  ];

  describe.each(wraps)('%s', (_kind, wrap) => {
    it('that begins its response then', async () => {
      const steps: Steps = async function* (_environ, startResponse, waiting) {
        await waiting;
        startResponse('200 OK', [...text]);
        yield bytes('a');
      };
      expect(await cut(steps, wrap)).toEqual(nothing);
    });

    it('that reads its input then', async () => {
      const steps: Steps = async function* (environ, startResponse, waiting) {
        const input = environ['wsgi.input'];
        startResponse('200 OK', [...text]);
        await waiting;
        yield await input.read();
      };
      expect(await cut(steps, wrap)).toEqual(nothing);
    });

    it('that ends then, short of its Content-Length', async () => {
      const steps: Steps = async function* (_environ, startResponse, waiting) {
        startResponse('200 OK', [...text, ['Content-Length', '5']]);
        await waiting;
        yield* [];
      };
      expect(await cut(steps, wrap)).toEqual(nothing);
    });
  });
});

describe('An asynchronous body', () => {
  it('that is closed while it is being left is given the time', async () => {
    const { app, closed } = watched(true);
    const reader = await request(validator(passing(validator(app), 'late')));
    await reader.next();
    const leaving = complaint(() => reader.return());
    expect(await complaint(() => reader.close())).toBe('');
    expect(closed()).toBe(false);
    expect(await leaving).toBe('');
    expect(closed()).toBe(true);
  });

  it('whose close() waits is checked after that', async () => {
    const { app } = watched(true);
    const leaking: Application = (environ, startResponse) => {
      validator(app)(environ, startResponse);
      return Object.assign([], { close: pause });
    };
    const reader = await request(validator(leaking));
    expect(await complaint(() => reader.close())).toContain(NOT_CLOSED);
  });
});

describe('Middleware that is a generator', () => {
  it('is seen around the application that it calls from within', async () => {
    const { app } = watched(false);
    const inner = validator(app);
    const collecting: Application = function* (environ, startResponse) {
      const body = inner(environ, startResponse);
      if (body instanceof Promise || !(Symbol.iterator in body))
        throw new Error('it was synchronous');
      try {
        yield Buffer.concat(Array.from(body));
      } finally {
        body.close?.();
      }
    };
    const reader = await request(validator(collecting));
    expect(await complaint(() => reader.next())).toContain(
      'middleware: the application yielded two chunks',
    );
    await reader.close();
  });
});
