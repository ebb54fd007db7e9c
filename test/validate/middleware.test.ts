import { AssertionError } from 'node:assert';
import {
  type Application,
  BodyInput,
  type Environ,
  type ResponseBody,
  type StartResponse,
  setupTestingDefaults,
} from '@wsgi/core';
import { validator } from '@wsgi/core/validate';
import { describe, expect, it } from 'vitest';

const text: [string, string][] = [['Content-Type', 'text/plain']];
const bytes = (data: string): Uint8Array => Buffer.from(data);

type Middleware = (app: Application) => Application;

/** Yields `a`, `b` and `c`, and needs nothing closed. */
const abc: Application = (_environ, startResponse) => {
  startResponse('200 OK', [...text]);
  return [bytes('a'), bytes('b'), bytes('c')];
};

const slowAbc: Application = async (_environ, startResponse) => {
  startResponse('200 OK', [...text]);
  return (async function* () {
    yield* [bytes('a'), bytes('b'), bytes('c')];
  })();
};

/** Middleware of one generator over the application's chunks, closing what it got. */
function through(
  each: (chunks: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>,
): Middleware {
  return (app) => async (environ, startResponse) => {
    const body = await app(environ, startResponse);
    return (async function* () {
      try {
        yield* each(chunksOf(body));
      } finally {
        await body.close?.();
      }
    })();
  };
}

async function* chunksOf(body: ResponseBody): AsyncGenerator<Uint8Array> {
  yield* body;
}

/** A server that drains and closes, as every server does for GET. */
async function serve(app: Application, changes: Partial<Environ> = {}): Promise<string> {
  const environ: Partial<Environ> = { ...changes };
  setupTestingDefaults(environ);
  const body = await app(environ, () => () => {});
  let sent = '';
  try {
    for await (const chunk of body) sent += Buffer.from(chunk).toString();
  } finally {
    await body.close?.();
  }
  return sent;
}

const between = (middleware: Middleware, app: Application = abc): Application =>
  validator(middleware(validator(app)));

/** What the validators on both sides of a middleware say. */
async function verdictOn(middleware: Middleware, app: Application = abc): Promise<string> {
  try {
    return `right: ${await serve(between(middleware, app))}`;
  } catch (error) {
    expect(error).toBeInstanceOf(AssertionError);
    return String(error instanceof Error ? error.message : error);
  }
}

const BLOCKS = '(PEP 3333, "Middleware Handling of Block Boundaries")';

describe.each([
  ['a synchronous application', abc],
  ['an asynchronous application', slowAbc],
])('Validators on both sides of a middleware around %s', (_kind, app) => {
  it('pass one that hands everything on', async () => {
    expect(await verdictOn((inner) => inner, app)).toBe('right: abc');
    expect(
      await verdictOn(
        through((chunks) => pass(chunks)),
        app,
      ),
    ).toBe('right: abc');
  });

  it('pass one that yields an empty chunk for each that it holds back', async () => {
    const holding = through(async function* (chunks) {
      let held = '';
      for await (const chunk of chunks) {
        held += Buffer.from(chunk).toString();
        yield bytes('');
      }
      yield bytes(held.toUpperCase());
    });
    expect(await verdictOn(holding, app)).toBe('right: ABC');
  });

  it('pass one that yields more often than the application', async () => {
    const doubling = through(async function* (chunks) {
      for await (const chunk of chunks) {
        yield chunk;
        yield chunk;
      }
    });
    expect(await verdictOn(doubling, app)).toBe('right: aabbcc');
  });

  it('find one that collects the body', async () => {
    const collecting = through(async function* (chunks) {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      yield Buffer.concat(parts);
    });
    expect(await verdictOn(collecting, app)).toBe(
      `middleware: the application yielded two chunks before the middleware yielded one; yield an empty chunk for each that is held back ${BLOCKS}`,
    );
  });

  it('find one that collects the body before it returns', async () => {
    const collecting: Middleware = (inner) => async (environ, startResponse) => {
      const body = await inner(environ, startResponse);
      const parts: Uint8Array[] = [];
      try {
        for await (const chunk of body) parts.push(chunk);
      } finally {
        await body.close?.();
      }
      return [Buffer.concat(parts)];
    };
    expect(await verdictOn(collecting, app)).toMatch(
      /^middleware: the application yielded two chunks/,
    );
  });

  it('let one that needs the body for its header fields have it for HEAD, too', async () => {
    const measuring: Middleware = (inner) => async (environ, startResponse) => {
      const parts: Uint8Array[] = [];
      const body = await inner(environ, startResponse);
      try {
        for await (const chunk of body) parts.push(chunk);
      } finally {
        await body.close?.();
      }
      return [Buffer.concat(parts)];
    };
    const one: Application = async (environ, startResponse) => {
      const body = await app(environ, startResponse);
      for await (const chunk of body) return [chunk];
      return [];
    };
    const environ: Partial<Environ> = { REQUEST_METHOD: 'HEAD' };
    setupTestingDefaults(environ);
    const body = await between(measuring, one)(environ, () => () => {});
    for await (const chunk of body) {
      expect(Buffer.from(chunk).toString()).toBe('a');
      break;
    }
    await body.close?.();
  });

  it('find one that drops a chunk', async () => {
    const dropping = through(async function* (chunks) {
      for await (const chunk of chunks) if (chunk[0] !== bytes('b')[0]) yield chunk;
    });
    expect(await verdictOn(dropping, app)).toMatch(
      /^middleware: the application yielded two chunks/,
    );
  });

  it('find one that drops the last chunk', async () => {
    const dropping = through(async function* (chunks) {
      for await (const chunk of chunks) if (chunk[0] !== bytes('c')[0]) yield chunk;
    });
    expect(await verdictOn(dropping, app)).toBe(
      `middleware: the middleware ended without a chunk for the application's last one; yield an empty chunk for each that is held back ${BLOCKS}`,
    );
  });

  it('find one that collects, and hides what it is told', async () => {
    const hiding = through(async function* (chunks) {
      try {
        for await (const _ of chunks);
      } catch {}
      yield bytes('all is well');
    });
    expect(await verdictOn(hiding, app)).toMatch(/^middleware: the application yielded two chunks/);
  });

  it('find one that does not close what it got', async () => {
    const leaking: Middleware = (inner) => async (environ, startResponse) =>
      pass(chunksOf(await inner(environ, startResponse)));
    expect(await verdictOn(leaking, app)).toBe(
      `middleware: the body that answered GET '/' to the middleware was not closed (PEP 3333, "Specification Details")`,
    );
  });
});

describe('Between two validators', () => {
  it('a middleware that spoils the environ is at fault, not the server', async () => {
    const spoiling: Middleware = (app) => (environ, startResponse) => {
      environ.PATH_INFO = 'x';
      return app(environ, startResponse);
    };
    expect(await verdictOn(spoiling)).toMatch(
      /^middleware: PATH_INFO must be '' or start with '\/', not 'x' /,
    );
  });

  it('a middleware that spoils the headers is at fault, not the application', async () => {
    const spoiling: Middleware = (app) => (environ, startResponse) =>
      app(environ, (status, headers) => startResponse(status, [...headers, ['Bad Name', 'x']]));
    expect(await verdictOn(spoiling)).toMatch(
      /^middleware: The header name 'Bad Name' is not a token/,
    );
  });

  it('a middleware that makes the body longer and leaves its Content-Length is at fault', async () => {
    const sized: Application = (_environ, startResponse) => {
      startResponse('200 OK', [...text, ['Content-Length', '1']]);
      return [bytes('a')];
    };
    const adding = through(async function* (chunks) {
      yield* chunks;
      yield bytes('more');
    });
    expect(await verdictOn(adding, sized)).toMatch(
      /^middleware: the body has grown to 5 bytes, its Content-Length is 1 /,
    );
  });

  it('an application that is wrong is still at fault itself', async () => {
    const wrong: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return [];
    };
    expect(await verdictOn((app) => app, wrong)).toMatch(/^application: Content-Type is missing/);
  });

  const notFound: Application = (_environ, startResponse) => {
    startResponse('404 Not Found', [...text]);
    return [bytes('none')];
  };
  const cascade =
    (...apps: Application[]): Application =>
    async (environ: Environ, startResponse: StartResponse) => {
      let begin = () => {};
      for (const app of apps) {
        let found = false;
        const body = await app(environ, (status, headers, excInfo) => {
          found = !status.startsWith('404');
          begin = () => startResponse(status, headers, excInfo);
          return () => {};
        });
        if (found) {
          begin();
          return body;
        }
        await body.close?.();
      }
      begin();
      return [bytes('nobody')];
    };

  /** A cascade whose first application answers, and closes, later. */
  const slowly = (first: Application, next: Application): Application =>
    cascade(
      validator(async (environ, startResponse) =>
        Object.assign([...(await first(environ, startResponse))], { close: async () => {} }),
      ),
      next,
    );
  const posted = (body: string) => {
    const left = [bytes(body)];
    return new BodyInput({ pull: () => left.shift() ?? null });
  };

  it('a middleware may ask one application after another', async () => {
    const app = validator(cascade(validator(notFound), validator(abc)));
    expect(await serve(app)).toBe('abc');
    expect(await serve(validator(cascade(validator(notFound))))).toBe('nobody');
  });

  it('the application that is asked next may read the input', async () => {
    const echo: Application = async (environ, startResponse) => {
      const sent = await environ['wsgi.input'].read();
      startResponse('200 OK', [...text]);
      return [sent];
    };
    for (const next of [echo, validator(echo)]) {
      for (const app of [cascade(validator(notFound), next), slowly(notFound, next)]) {
        for (const around of [app, validator(app)]) {
          expect(await serve(around, { 'wsgi.input': posted('hello') })).toBe('hello');
        }
      }
    }
  });

  it('a middleware may read the input when the application has failed', async () => {
    const failing = validator(() => {
      throw new Error('failed');
    });
    const rescue: Application = async (environ, startResponse) => {
      try {
        return await failing(environ, startResponse);
      } catch {
        startResponse('500 Internal Server Error', [...text]);
        return [await environ['wsgi.input'].read()];
      }
    };
    expect(await serve(validator(rescue), { 'wsgi.input': posted('hello') })).toBe('hello');
  });

  it('a chunk for each chunk is counted for each request by itself', async () => {
    const app = between(through((chunks) => pass(chunks)));
    expect(await Promise.all([serve(app), serve(app), serve(app)])).toEqual(['abc', 'abc', 'abc']);
  });

  it('a middleware that gives up after an error of the application is right', async () => {
    const failing: Application = (_environ, startResponse) => {
      startResponse('200 OK', [...text]);
      return (function* () {
        yield bytes('');
        throw new Error('failed');
      })();
    };
    const catching: Middleware = (app) => async (environ, startResponse) => {
      const body = await app(environ, startResponse);
      return (async function* () {
        try {
          for await (const chunk of body) yield chunk;
        } catch (error) {
          startResponse('500 Oops', [...text], error);
          yield bytes('sorry');
        } finally {
          await body.close?.();
        }
      })();
    };
    expect(await verdictOn(catching, failing)).toBe('right: sorry');
  });
});

async function* pass(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
