import { once } from 'node:events';
import { connect } from 'node:net';
import type { Application } from '@wsgi/core';
import { fastifyGateway } from '@wsgi/fastify';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { CountedBody, echo, exchange, head, host, listen, says, TEXT, until } from './support.ts';

/** Every hook of a request's life, as it runs. */
function watch(app: FastifyInstance): { calls: string[]; responded: Promise<void> } {
  const calls: string[] = [];
  let respond: () => void = () => {};
  const responded = new Promise<void>((resolve) => {
    respond = resolve;
  });
  app.addHook('onRequest', async () => void calls.push('onRequest'));
  app.addHook('preParsing', async () => void calls.push('preParsing'));
  app.addHook('preValidation', async () => void calls.push('preValidation'));
  app.addHook('preHandler', async () => void calls.push('preHandler'));
  app.addHook('preSerialization', async () => void calls.push('preSerialization'));
  app.addHook('onSend', async () => void calls.push('onSend'));
  app.addHook('onError', async () => void calls.push('onError'));
  app.addHook('onTimeout', async () => void calls.push('onTimeout'));
  app.addHook('onRequestAbort', async (_request) => void calls.push('onRequestAbort'));
  app.addHook('onResponse', async () => {
    calls.push('onResponse');
    respond();
  });
  return { calls, responded };
}

const BEFORE = ['onRequest', 'preParsing', 'preValidation', 'preHandler'];
const fails: Application = () => {
  throw new Error('the application failed');
};
const chunked: Application = async function* (_environ, startResponse) {
  startResponse('200 OK', TEXT);
  for (const chunk of ['a', 'b', 'c']) yield Buffer.from(chunk);
};
const failsMidway: Application = async function* (_environ, startResponse) {
  startResponse('200 OK', TEXT);
  yield Buffer.from('begun');
  await new Promise((resolve) => setTimeout(resolve, 20));
  throw new Error('the application failed midway');
};

describe('hooks run as for any route, in order and once', () => {
  it.each<[string, string, Application, string[]]>([
    ['a body in one chunk', 'GET /', says('x'), ['onSend', 'onResponse']],
    ['a streamed body', 'GET /', chunked, ['onSend', 'onResponse']],
    ['an empty body', 'GET /', says(''), ['onSend', 'onResponse']],
    ['HEAD', 'HEAD /', says('x'), ['onSend', 'onResponse']],
    ['a request with a body', 'POST /', echo, ['onSend', 'onResponse']],
    ['an error before the head', 'GET /', fails, ['onError', 'onSend', 'onResponse']],
  ])('%s', async (_name, line, application, after) => {
    const { app } = host({}, 'fatal');
    const { calls, responded } = watch(app);
    await app.register(fastifyGateway, { app: application });
    await exchange(await listen(app), `${head(line, 'Content-Length: 1')}x`);
    await responded;
    expect(calls).toEqual([...BEFORE, ...after]);
  });

  it('an error after the head destroys the connection; no error handler can help any more', async () => {
    const { app } = host({}, 'fatal');
    const { calls } = watch(app);
    await app.register(fastifyGateway, { app: failsMidway });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text).toContain('begun');
    expect(text).not.toContain('\r\n0\r\n');
    expect(calls).toEqual([...BEFORE, 'onSend']);
  });

  it('a client that goes runs onRequestAbort, closes the body and is no error', async () => {
    const { app, log } = host({}, 'warn');
    const { calls } = watch(app);
    let waiting = true;
    const body = new CountedBody(
      (async function* () {
        yield Buffer.from('begun');
        while (waiting) await new Promise((resolve) => setTimeout(resolve, 5));
      })(),
    );
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return body;
      },
    });
    const socket = await until(await listen(app), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'begun');
    socket.destroy();
    await body.closed;
    waiting = false;
    await expect.poll(() => calls).toContain('onRequestAbort');
    expect(body.closes).toBe(1);
    expect(calls).toEqual([...BEFORE, 'onSend', 'onRequestAbort']);
    expect(log.entries.filter((entry) => Number(entry.level) >= 50)).toEqual([]);
  });

  it('a socket that idles too long runs onTimeout', async () => {
    const { app } = host({ connectionTimeout: 50 }, 'fatal');
    const { calls } = watch(app);
    const body = new CountedBody(
      (async function* () {
        yield Buffer.from('begun');
        await new Promise(() => {});
      })(),
    );
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return body;
      },
    });
    const socket = await until(await listen(app), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'begun');
    await once(socket, 'close');
    await body.closed;
    expect(calls.filter((call) => call === 'onTimeout')).toEqual(['onTimeout']);
  });

  it('a hook that answers keeps the application from running', async () => {
    const { app } = host();
    let runs = 0;
    app.addHook('preHandler', async (_request, reply) => reply.code(401).send('not you'));
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        runs += 1;
        startResponse('200 OK', TEXT);
        return [];
      },
    });
    const response = await app.inject('/');
    expect([response.statusCode, response.body, runs]).toEqual([401, 'not you', 0]);
  });
});

describe('a timeout of the host', () => {
  it('answers for an application that is too slow, fires its signal and drops what it returns', async () => {
    const { app, log } = host({ handlerTimeout: 30 });
    let reason: unknown;
    const body = new CountedBody([Buffer.from('late')]);
    await app.register(fastifyGateway, {
      app: async (environ, startResponse) => {
        const signal = environ['gateway.signal']();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reason = signal.reason;
        startResponse('200 OK', TEXT);
        return body;
      },
    });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    await body.closed;
    expect(reason).toBeInstanceOf(Error);
    expect(body.closes).toBe(1);
    expect(log.text).not.toMatch(/ALREADY_SENT|HEADERS_SENT/);
  });

  it('that strikes midway ends the response', async () => {
    const { app } = host({ handlerTimeout: 60 }, 'fatal');
    const body = new CountedBody(
      (async function* () {
        yield Buffer.from('begun');
        await new Promise(() => {});
      })(),
    );
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return body;
      },
    });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text).toContain('begun');
    expect(text).not.toContain('\r\n0\r\n');
    await body.closed;
  });
});

describe('an application that fails when there is nothing to answer any more', () => {
  it('because it has done so by itself, is reported, and nothing more is sent', async () => {
    const { app, log } = host();
    const replies = new Map<unknown, { send(text: string): unknown }>();
    app.addHook('preHandler', async (request, reply) => void replies.set(request.raw, reply));
    await app.register(fastifyGateway, {
      app: (environ) => {
        replies.get(environ['node.request'])?.send('by itself');
        throw new Error('planned');
      },
    });
    expect((await app.inject('/')).body).toBe('by itself');
    expect(log.text).toContain('planned');
    expect(log.text).not.toMatch(/ALREADY_SENT|HEADERS_SENT/);
  });

  it('because its client has gone, is reported, and not given to the error handler', async () => {
    const { app, log } = host();
    let handled = 0;
    app.setErrorHandler(async () => {
      handled += 1;
    });
    let begun = (): void => {};
    const beginning = new Promise<void>((resolve) => {
      begun = resolve;
    });
    await app.register(fastifyGateway, {
      app: async (environ) => {
        const gone = new Promise((resolve) =>
          environ['gateway.signal']().addEventListener('abort', resolve),
        );
        begun();
        await gone;
        throw new Error('planned');
      },
    });
    const socket = connect(await listen(app), '127.0.0.1');
    socket.write(head('GET /'));
    await beginning;
    socket.destroy();
    await expect.poll(() => log.text).toContain('planned');
    await new Promise((resolve) => setImmediate(resolve));
    expect(handled).toBe(0);
  });
});

describe('wsgi.errors', () => {
  it('is the log of the request, with its bindings', async () => {
    const { app, log } = host({ genReqId: () => 'request-7' });
    await app.register(fastifyGateway, {
      app: (environ, startResponse) => {
        environ['wsgi.errors'].write('something is odd\n');
        startResponse('200 OK', TEXT);
        return [];
      },
    });
    await app.inject('/');
    expect(log.entries).toMatchObject([{ level: 50, reqId: 'request-7', msg: 'something is odd' }]);
  });

  it('takes the child logger that the host makes, and the level of the mount', async () => {
    const { app, log } = host({}, 'info');
    app.setChildLoggerFactory((logger, bindings, options) =>
      logger.child({ ...bindings, tenant: 'blue' }, options),
    );
    await app.register(fastifyGateway, { app: fails, logLevel: 'error' });
    await app.inject('/');
    expect(log.entries.length).toBeGreaterThan(0);
    for (const entry of log.entries) expect(entry).toMatchObject({ level: 50, tenant: 'blue' });
  });

  it('goes where the option says', async () => {
    const { app, log } = host();
    const lines: string[] = [];
    await app.register(fastifyGateway, {
      app: fails,
      errors: {
        write: (text) => void lines.push(text),
        writelines: () => {},
        flush: () => {},
      },
    });
    await app.inject('/');
    expect(lines.join('')).toContain('Error: the application failed');
    // Fastify's own error handler logs what it handles.
    expect(log.entries).toHaveLength(1);
  });
});
