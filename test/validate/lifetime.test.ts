import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type Application,
  BodyInput,
  type Environ,
  FileWrapper,
  setupTestingDefaults,
} from '@wsgi/core';
import { validator, WSGIWarning } from '@wsgi/core/validate';
import { describe, expect, it, onTestFinished } from 'vitest';

const text: [string, string][] = [['Content-Type', 'text/plain']];
const bytes = (data: string): Uint8Array => Buffer.from(data);

function call(app: Application, changes: Partial<Environ> = {}): ReturnType<Application> {
  const environ: Partial<Environ> = { ...changes };
  setupTestingDefaults(environ);
  return app(environ, () => () => {});
}

const hello: Application = (_environ, startResponse) => {
  startResponse('200 OK', [...text]);
  return [bytes('hello')];
};

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Hears the warnings that name a path: the bodies of other tests are collected whenever that may be. */
function warningsOf(path: string): { warnings: Error[]; stop(): void } {
  const warnings: Error[] = [];
  const hear = (warning: Error): void => {
    if (warning.message.includes(`'${path}'`)) warnings.push(warning);
  };
  process.on('warning', hear);
  return { warnings, stop: () => void process.off('warning', hear) };
}

describe('A body that nobody closes', () => {
  it('is reported as a WSGIWarning once it is collected', async () => {
    const { warnings, stop } = warningsOf('/forgotten');
    call(validator(hello), { PATH_INFO: '/forgotten' });
    while (warnings.length === 0) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stop();
    const [warning] = warnings;
    expect(warning).toBeInstanceOf(WSGIWarning);
    expect(warning).toMatchObject({
      name: 'WSGIWarning',
      message: `server: the body that answered GET '/forgotten' was never closed (PEP 3333, "Specification Details")`,
    });
  });

  it('is not reported when it was closed after all', async () => {
    const { warnings, stop } = warningsOf('/closed');
    let collected = false;
    const registry = new FinalizationRegistry(() => {
      collected = true;
    });
    await (async () => {
      const body = await call(validator(hello), { PATH_INFO: '/closed' });
      registry.register(body, undefined);
      await body.close?.();
    })();
    while (!collected) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setImmediate(resolve));
    stop();
    expect(warnings).toEqual([]);
  });
});

describe('close()', () => {
  it('reaches the application once, on the object that it returned', async () => {
    const closed: unknown[] = [];
    const returned = {
      *[Symbol.iterator]() {},
      close() {
        closed.push(this);
      },
    };
    const body = await call(
      validator((_environ, startResponse) => {
        startResponse('200 OK', [...text]);
        return returned;
      }),
    );
    expect(body.close?.()).toBeUndefined();
    expect(() => body.close?.()).toThrow('server: close() was called twice');
    expect(closed).toEqual([returned]);
  });

  it('is awaited, and may still read the input', async () => {
    const log: string[] = [];
    const app: Application = (environ, startResponse) => {
      startResponse('200 OK', [...text]);
      return Object.assign([bytes('hello')], {
        async close() {
          await environ['wsgi.input'].read(1);
          log.push('closed');
        },
      });
    };
    const body = await call(validator(app));
    await body.close?.();
    expect(log).toEqual(['closed']);
  });

  it('passes on what the application throws there', async () => {
    const failing = (close: () => void | Promise<void>): Application =>
      validator((_environ, startResponse) => {
        startResponse('200 OK', [...text]);
        return Object.assign([], { close });
      });
    const sync = await call(
      failing(() => {
        throw new Error('close threw');
      }),
    );
    expect(() => sync.close?.()).toThrow('close threw');
    const slow = await call(failing(() => Promise.reject(new Error('close rejected'))));
    await expect(slow.close?.()).rejects.toThrow('close rejected');
  });
});

describe('A body that is left', () => {
  it('has its own iterator left, when the server leaves and when it breaks a rule', async () => {
    for (const [chunk, message] of [
      [bytes('a'), undefined],
      ['text', 'application: a chunk of the body must be a Uint8Array'],
    ] as const) {
      let cleaned = false;
      const app = validator((_environ, startResponse) => {
        startResponse('200 OK', [...text]);
        return (function* () {
          try {
            // What it yields is wrong on purpose the second time.
            yield chunk as Uint8Array;
          } finally {
            cleaned = true;
          }
        })();
      });
      const body = await call(app);
      if (!(Symbol.iterator in body)) throw new Error('it was synchronous');
      const chunks = body[Symbol.iterator]();
      if (message === undefined) chunks.next();
      else expect(() => chunks.next()).toThrow(message);
      if (message === undefined) chunks.return?.();
      expect(cleaned).toBe(true);
      body.close?.();
    }
  });

  it('has its asynchronous iterator left as well', async () => {
    let cleaned = false;
    const app = validator((_environ, startResponse) => {
      startResponse('200 OK', [...text]);
      return (async function* () {
        try {
          yield bytes('a');
        } finally {
          cleaned = true;
        }
      })();
    });
    const body = await call(app);
    for await (const _ of body) break;
    await body.close?.();
    expect(cleaned).toBe(true);
  });
});

describe('What the server gets', () => {
  it('is neither an array nor a FileWrapper, and can be iterated once', async () => {
    const listed = await call(validator(hello));
    expect(Array.isArray(listed)).toBe(false);
    if (!(Symbol.iterator in listed)) throw new Error('it was synchronous');
    expect([...listed]).toEqual([bytes('hello')]);
    expect(() => [...listed]).toThrow('server: the body was iterated twice');
    listed.close?.();

    const blocks = [bytes('a file'), null];
    const file = { read: () => blocks.shift() ?? null };
    const wrapped = await call(
      validator((environ, startResponse) => {
        startResponse('200 OK', [...text]);
        return new environ['wsgi.file_wrapper'](file);
      }),
    );
    expect(wrapped).not.toBeInstanceOf(FileWrapper);
    const sent: Uint8Array[] = [];
    for await (const chunk of wrapped) sent.push(chunk);
    await wrapped.close?.();
    expect(sent).toEqual([bytes('a file')]);
  });

  it('refuses to be asked for a chunk while it makes one', async () => {
    const body = await call(
      validator(async (_environ, startResponse) => {
        startResponse('200 OK', [...text]);
        return (async function* () {
          yield bytes('a');
        })();
      }),
    );
    if (!(Symbol.asyncIterator in body)) throw new Error('it was asynchronous');
    const chunks = body[Symbol.asyncIterator]();
    const first = chunks.next();
    await expect(chunks.next()).rejects.toThrow(
      'server: a chunk was asked for before the chunk before it had come',
    );
    expect((await first).value).toEqual(bytes('a'));
    await body.close?.();
  });
});

describe('What the validator takes', () => {
  it('is all that a host takes', async () => {
    class Body {
      readonly startResponse;
      constructor(_environ: Environ, startResponse: Parameters<Application>[1]) {
        this.startResponse = startResponse;
      }
      *[Symbol.iterator]() {
        this.startResponse('200 OK', [...text]);
        yield bytes('hello');
      }
    }
    for (const app of [validator(hello), validator({ call: hello }), validator(Body)]) {
      const body = await call(app);
      const sent: Uint8Array[] = [];
      for await (const chunk of body) sent.push(chunk);
      await body.close?.();
      expect(sent).toEqual([bytes('hello')]);
    }
    // A wrong argument is the point of it.
    expect(() => validator('app' as unknown as Application)).toThrow(TypeError);
  });

  it('leaves an error of the application as it is, and ends the exchange with it', async () => {
    const error = new Error('the application failed');
    let input: Environ['wsgi.input'] | undefined;
    const failing = validator((given) => {
      input = given['wsgi.input'];
      throw error;
    });
    expect(() => call(failing)).toThrow(error);
    await expect(input?.read(1)).rejects.toThrow('after the response had ended');
    const rejecting = validator(async (given) => {
      input = given['wsgi.input'];
      throw error;
    });
    await expect(call(rejecting)).rejects.toBe(error);
    await expect(input?.read(1)).rejects.toThrow('after the response had ended');
  });

  it('makes no unhandled rejection of a read that nobody awaits', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', hear);
    onTestFinished(() => {
      process.off('unhandledRejection', hear);
    });
    const left = new Error('the client has gone');
    const input = new BodyInput({ pull: () => Promise.reject(left) });
    const body = await call(
      validator((environ, startResponse) => {
        for (const method of ['read', 'readline', 'readlines'] as const) {
          void environ['wsgi.input'][method]();
        }
        return hello(environ, startResponse);
      }),
      { 'wsgi.input': input },
    );
    await body.close?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
    await expect(input.read()).rejects.toBe(left);
  });

  it('is refused an environ that is no plain object, or that it cannot change', () => {
    class Custom {}
    const environs: [unknown, string][] = [
      [new Custom(), 'the environ must be a plain object, not Custom {}'],
      [new Map(), 'the environ must be a plain object, not Map(0) {}'],
      [['a'], "the environ must be a plain object, not [ 'a' ]"],
      ['environ', "the environ must be a plain object, not 'environ'"],
      [undefined, 'the environ must be a plain object, not undefined'],
      [Object.freeze({}), 'the environ must be an object that the application may change, not {}'],
    ];
    const app = validator(hello);
    for (const [environ, message] of environs) {
      expect(() => Reflect.apply(app, undefined, [environ, () => () => {}])).toThrow(
        `server: ${message}`,
      );
    }
    const bare: Partial<Environ> = Object.create(null);
    setupTestingDefaults(bare);
    expect(() => app(bare, () => () => {})).not.toThrow();
  });

  it('is refused a startResponse that is no function, and an input that answers without a promise', async () => {
    const environ: Partial<Environ> = {};
    setupTestingDefaults(environ);
    expect(() => Reflect.apply(validator(hello), undefined, [environ, 'start'])).toThrow(
      "server: startResponse must be a function, not 'start'",
    );
    const input = Object.assign(Object.create(environ['wsgi.input']), { read: () => bytes('') });
    const reading = validator(async (given, startResponse) => {
      await given['wsgi.input'].read(1);
      return hello(given, startResponse);
    });
    await expect(call(reading, { 'wsgi.input': input })).rejects.toThrow(
      'server: input.read() must return a promise, not <Buffer',
    );
  });
});
