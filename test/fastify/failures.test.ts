import { Readable } from 'node:stream';
import type { Application, ErrorStream } from '@wsgi/core';
import { fastifyGateway, type GatewayOptions } from '@wsgi/fastify';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { exchange, head, host, listen, says, TEXT } from './support.ts';

const failure = () => new Error('it failed');
const pause = (ms = 10) => new Promise((resolve) => setTimeout(resolve, ms));

/** The ways in which a function can fail. */
const ways: Record<string, () => never | Promise<never>> = {
  throws: () => {
    throw failure();
  },
  rejects: () => Promise.reject(failure()),
  'rejects later': async () => {
    await pause();
    throw failure();
  },
  'throws what is no error': () => {
    throw 'it failed';
  },
  'throws undefined': () => {
    throw undefined;
  },
};

const begin = (...chunks: string[]): Application =>
  function* (_environ, startResponse) {
    startResponse('200 OK', TEXT);
    for (const chunk of chunks) yield Buffer.from(chunk);
  };

interface Stage {
  /** Makes an application that fails at this stage. */
  app?(fail: () => unknown): Application;
  /** Makes the host fail at this stage. */
  host?(app: FastifyInstance, fail: () => unknown): void;
  /** Makes an option fail at this stage. */
  options?(fail: () => unknown): Partial<GatewayOptions>;
  /** The ways left out, where Fastify itself does not get by. */
  without?: string[];
  /** The status that the client gets; none: the connection is destroyed. Default: 500. */
  status?: number | undefined;
}

/** Fails the first time only, so that the error page can be sent. */
const once = (fail: () => unknown) => {
  let failed = false;
  return async () => {
    if (failed) return;
    failed = true;
    await fail();
  };
};

const stages: Record<string, Stage> = {
  'the application, before startResponse': {
    app: (fail) => () => fail() as never,
  },
  'the application, after startResponse': {
    app: (fail) => (_environ, startResponse) => {
      startResponse('200 Fine', [...TEXT, ['Content-Length', '5']]);
      return fail() as never;
    },
  },
  'the application, after a write': {
    app: (fail) => (_environ, startResponse) => {
      startResponse('200 OK', TEXT)(Buffer.from('begun'));
      return fail() as never;
    },
    status: undefined,
  },
  'the body, at its first step': {
    app: (fail) =>
      async function* (_environ, startResponse) {
        startResponse('200 OK', TEXT);
        await fail();
        yield Buffer.from('never');
      },
  },
  'the body, midway': {
    app: (fail) =>
      async function* (_environ, startResponse) {
        startResponse('200 OK', TEXT);
        yield Buffer.from('begun');
        await pause();
        await fail();
      },
    status: undefined,
  },
  'the body, at its close': {
    app: (fail) => (_environ, startResponse) => {
      startResponse('200 OK', TEXT);
      return Object.assign([Buffer.from('whole')], { close: () => fail() as never });
    },
    status: 200,
  },
  'the option environ': {
    options: (fail) => ({ environ: () => fail() as never }),
  },
  onRequest: { host: (app, fail) => app.addHook('onRequest', async () => void (await fail())) },
  preParsing: { host: (app, fail) => app.addHook('preParsing', async () => void (await fail())) },
  preValidation: {
    host: (app, fail) => app.addHook('preValidation', async () => void (await fail())),
  },
  preHandler: { host: (app, fail) => app.addHook('preHandler', async () => void (await fail())) },
  'onSend, of a body in one chunk': {
    host: (app, fail) => app.addHook('onSend', once(fail)),
  },
  'onSend, of a stream': {
    app: () => begin('a', 'b'),
    host: (app, fail) => app.addHook('onSend', once(fail)),
  },
  'onSend, of an empty body': {
    app: () => begin(),
    host: (app, fail) => app.addHook('onSend', once(fail)),
  },
  'onSend, each time': {
    // Fastify 5.12 hangs on any route: "cb is not a function", in its fallbackErrorHandler.
    without: ['throws what is no error'],
    host: (app, fail) => app.addHook('onSend', async () => void (await fail())),
  },
  onError: {
    app: (fail) => () => fail() as never,
    host: (app, fail) => app.addHook('onError', async () => void (await fail())),
  },
  'the error handler': {
    app: (fail) => () => fail() as never,
    host: (app, fail) => app.setErrorHandler(async () => fail()),
  },
  onResponse: {
    host: (app, fail) => app.addHook('onResponse', async () => void (await fail())),
    status: 200,
  },
  'the not-found handler behind a cascade': {
    app: () => (_environ, startResponse) => {
      startResponse('404 Not Found', TEXT);
      return [];
    },
    options: () => ({ cascade: true }),
    host: (app, fail) => app.setNotFoundHandler(async () => fail()),
  },
};

const never = /ERR_HTTP_HEADERS_SENT|ALREADY_SENT|SEND_INSIDE_ONERR/;

describe.each(Object.entries(stages))('%s', (_stage, { app: make, host: prepare, ...stage }) => {
  const tried = Object.entries(ways).filter(([way]) => stage.without?.includes(way) !== true);
  it.each(tried)('%s: the client is answered or cut off, and nothing hangs', async (_way, fail) => {
    const { app, log } = host();
    prepare?.(app, fail);
    await app.register(fastifyGateway, {
      app: make?.(fail) ?? says('whole'),
      ...stage.options?.(fail),
    });
    app.get('/host', async () => 'the host');
    const text = await exchange(await listen(app), head('GET /'));
    const wanted = 'status' in stage ? stage.status : 500;
    if (wanted === undefined) expect(text).not.toMatch(/\r\n0\r\n\r\n$|content-length/i);
    else expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${wanted} [A-Z]`));
    expect(log.text).not.toMatch(never);
  });
});

describe('what goes wrong beside', () => {
  const cases: Record<string, { make(app: FastifyInstance): GatewayOptions; status?: number }> = {
    'a body that is a stream which emits an error at once': {
      make: () => ({
        app: (_environ, startResponse) => {
          startResponse('200 OK', TEXT);
          const body = new Readable({ read() {} });
          setImmediate(() => body.destroy(failure()));
          return body;
        },
      }),
      status: 500,
    },
    'a body that is a stream which emits an error midway': {
      make: () => ({
        app: (_environ, startResponse) => {
          startResponse('200 OK', TEXT);
          const body = new Readable({ read() {} });
          body.push('begun');
          setTimeout(() => body.destroy(failure()), 10);
          return body;
        },
      }),
    },
    'a header field of the host that Node refuses': {
      make: (app) => {
        app.addHook('onRequest', async (_request, reply) => void reply.header('X-Bad', 'a\nb'));
        return { app: says('whole') };
      },
      status: 500,
    },
    'a header field of the host that Node refuses, and a stream': {
      make: (app) => {
        app.addHook('onRequest', async (_request, reply) => void reply.header('X-Bad', 'a\nb'));
        return { app: begin('a', 'b') };
      },
      status: 500,
    },
    'an onSend hook that makes a payload which cannot be sent': {
      make: (app) => {
        let calls = 0;
        app.addHook('onSend', async (_request, _reply, payload) => {
          calls += 1;
          return calls === 1 ? { not: 'bytes' } : payload;
        });
        return { app: begin('a', 'b') };
      },
      status: 500,
    },
    'an error stream that fails': {
      make: () => {
        const fails = () => {
          throw failure();
        };
        const errors: ErrorStream = { write: fails, writelines: fails, flush: fails };
        return {
          errors,
          app: () => {
            throw failure();
          },
        };
      },
      status: 500,
    },
    'an application that was given the reply, and answers by itself': {
      make: (app) => {
        app.addHook('preHandler', async (request, reply) =>
          request.setDecorator('answer', () => reply.send('by itself')),
        );
        app.decorateRequest('answer');
        return {
          environ: (request) => ({ answer: request.getDecorator('answer') }),
          app: (environ, startResponse) => {
            if (typeof environ.answer === 'function') environ.answer();
            startResponse('200 OK', TEXT);
            return [Buffer.from('again')];
          },
        };
      },
      status: 200,
    },
    'a short body': {
      make: () => ({
        app: (_environ, startResponse) => {
          startResponse('200 OK', [...TEXT, ['Content-Length', '10']]);
          return [Buffer.from('short')];
        },
      }),
    },
    'a slow onSend hook while the application fails': {
      make: (app) => {
        app.addHook('onSend', async () => void (await pause(30)));
        return {
          app: async function* (_environ, startResponse) {
            startResponse('200 OK', TEXT);
            yield Buffer.from('begun');
            throw failure();
          },
        };
      },
    },
  };

  it.each(Object.entries(cases))('%s', async (_name, { make, status }) => {
    const { app, log } = host();
    await app.register(fastifyGateway, make(app));
    const text = await exchange(await listen(app), head('GET /'));
    if (status === undefined) expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
    else expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    expect(log.text).not.toMatch(never);
  });
});
