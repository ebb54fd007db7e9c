import { once } from 'node:events';
import { PassThrough, Stream, Transform } from 'node:stream';
import type { Application } from '@wsgi/core';
import { fastifyGateway } from '@wsgi/fastify';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { echo, exchange, head, host, type Log, listen, says, TEXT, until } from './support.ts';

const shout = () =>
  new Transform({
    transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()),
  });

/** A request whose connection is kept. */
const post = (body: string) =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('a preParsing hook that replaces the body', () => {
  it('is what the application reads, and its length is not known', async () => {
    const { app } = host();
    app.addHook('preParsing', async (_request, _reply, payload) => payload.pipe(shout()));
    let length: unknown;
    await app.register(fastifyGateway, {
      app: (environ, startResponse) => {
        if (environ.REQUEST_METHOD === 'POST') length = environ.CONTENT_LENGTH;
        return echo(environ, startResponse);
      },
    });
    expect(await exchange(await listen(app), `${post('quiet')}${head('GET /')}`)).toContain(
      'QUIET',
    );
    expect(length).toBe('');
  });

  it.each([true, false])(
    "may be a stream that is not of Node's own class; read: %s",
    async (isRead) => {
      const { app } = host();
      app.addHook(
        'preParsing',
        // As the package readable-stream has one of its own.
        async (_request, _reply, payload) =>
          new Proxy(payload.pipe(shout()), { getPrototypeOf: () => Stream.prototype }),
      );
      await app.register(fastifyGateway, { app: isRead ? echo : says('not read') });
      const request = `${post('quiet'.repeat(50_000))}${head('GET /')}`;
      const text = await exchange(await listen(app), request);
      expect(text).toMatch(isRead ? /QUIETHTTP\/1\.1 200 / : /not readHTTP\/1\.1 200 /);
    },
  );

  it('is pulled through when the application does not read it, so that the connection serves on', async () => {
    const { app } = host();
    app.addHook('preParsing', async (_request, _reply, payload) => payload.pipe(shout()));
    await app.register(fastifyGateway, { app: says((environ) => environ.REQUEST_METHOD) });
    const text = await exchange(
      await listen(app),
      `${post('x'.repeat(1_000_000))}${head('GET /')}`,
    );
    expect(text).toMatch(/\r\n\r\nPOSTHTTP\/1\.1 200 [\s\S]*\r\n\r\nGET$/);
  });

  it('that breaks is the error of the read, or of nobody', async () => {
    const { app } = host({}, 'fatal');
    app.addHook('preParsing', async (_request, _reply, payload) => {
      const broken = new PassThrough();
      payload.resume().on('end', () => broken.destroy(new Error('the body is broken')));
      return broken;
    });
    const errors: unknown[] = [];
    const reads: Application = async (environ, startResponse) => {
      await environ['wsgi.input'].read().catch((error) => errors.push(error));
      startResponse('200 OK', TEXT);
      return [Buffer.from('read')];
    };
    const ignores: Application = async (_environ, startResponse) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      startResponse('200 OK', TEXT);
      return [Buffer.from('ignored')];
    };
    await app.register(fastifyGateway, {
      app: (environ, startResponse) =>
        environ.PATH_INFO === '/read'
          ? reads(environ, startResponse)
          : ignores(environ, startResponse),
    });
    const port = await listen(app);
    const request = (path: string) =>
      `${head(`POST ${path}`, 'Content-Type: a/b', 'Content-Length: 1')}x`;
    expect(await exchange(port, request('/read'))).toMatch(/read$/);
    expect(errors).toMatchObject([{ message: 'the body is broken' }]);
    expect(await exchange(port, request('/ignore'))).toMatch(/ignored$/);
  });

  it('is cut short with the upload: the read is rejected', async () => {
    const { app } = host({}, 'fatal');
    app.addHook('preParsing', async (_request, _reply, payload) => {
      const copy = new PassThrough();
      payload.on('error', (error) => copy.destroy(error));
      return payload.pipe(copy);
    });
    let rejected: (error: unknown) => void = () => {};
    const rejection = new Promise<unknown>((resolve) => {
      rejected = resolve;
    });
    await app.register(fastifyGateway, {
      app: async (environ, startResponse) => {
        const write = startResponse('200 OK', TEXT);
        write(Buffer.from('go on'));
        await environ['wsgi.input'].read().catch(rejected);
        return [];
      },
    });
    const request = head('POST /', 'Content-Type: a/b', 'Content-Length: 100');
    const socket = await until(await listen(app), `${request}some`, 'go on');
    socket.destroy();
    expect(await rejection).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a body that a hook has read', () => {
  const reads = async (app: FastifyInstance, log: Log): Promise<void> => {
    await app.register(fastifyGateway, { app: echo });
    const text = await exchange(await listen(app), `${post('not empty')}${head('GET /')}`);
    expect(text).toMatch(/^HTTP\/1\.1 500 [\s\S]*HTTP\/1\.1 200 /);
    expect(log.text).toContain('the request body has been read by something else in the host');
  };

  it('does not pass for an empty one', async () => {
    const { app, log } = host();
    app.addHook('preHandler', async ({ raw }) => {
      for await (const _chunk of raw);
    });
    await reads(app, log);
  });

  it('does not where it keeps the bytes, and another hook waits', async () => {
    const { app, log } = host();
    app.addHook('preParsing', (_request, _reply, payload, done) => {
      payload.on('data', () => {});
      done(null, payload);
    });
    app.addHook('preHandler', async ({ raw }) => {
      if (!raw.complete) await once(raw, 'end');
    });
    await reads(app, log);
  });
});

describe('a body that was read by half', () => {
  it.each([
    ['the application answers', undefined],
    ['a hook replaces the answer', async () => 'replaced'],
    [
      'a hook fails',
      async () => {
        throw new Error('failed');
      },
    ],
  ])('does not hold up the next request when %s', async (_name, hook) => {
    const { app } = host({}, 'fatal');
    let sends = 0;
    app.addHook('onSend', async (request, reply, payload) => {
      sends += 1;
      if (hook === undefined || request.method !== 'POST' || sends > 1) return payload;
      reply.removeHeader('content-length');
      return hook();
    });
    await app.register(fastifyGateway, {
      app: async function* (environ, startResponse) {
        await environ['wsgi.input'].read(10);
        startResponse('200 OK', TEXT);
        yield Buffer.from('a chunk, ');
        yield Buffer.from(environ.REQUEST_METHOD);
      },
    });
    const request = `${post('x'.repeat(1_000_000))}${head('GET /')}`;
    expect(await exchange(await listen(app), request)).toMatch(/GET\r\n0\r\n\r\n$/);
  });
});

it('a body that an application has read by half before it failed does not hold up the next request', async () => {
  const { app } = host({}, 'fatal');
  await app.register(fastifyGateway, {
    app: async (environ, startResponse) => {
      await environ['wsgi.input'].read(10);
      if (environ.REQUEST_METHOD === 'POST') throw new Error('planned');
      startResponse('200 OK', TEXT);
      return [Buffer.from('GET')];
    },
  });
  const request = `${post('x'.repeat(1_000_000))}${head('GET /')}`;
  const text = await exchange(await listen(app), request);
  expect(text).toMatch(/^HTTP\/1\.1 500 [\s\S]*\r\n\r\nGET$/);
});

it('an application that reads on behind an answer of a hook is told that nobody waits for it', async () => {
  const { app } = host({}, 'fatal');
  app.addHook('onSend', async () => 'replaced');
  let failed: unknown;
  await app.register(fastifyGateway, {
    app: async function* (environ, startResponse) {
      startResponse('200 OK', TEXT);
      yield Buffer.from('begun');
      await environ['wsgi.input'].read().catch((error) => {
        failed = error;
      });
    },
  });
  const request =
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Length: 100\r\n\r\nsome';
  const socket = await until(await listen(app), request, 'replaced');
  await expect.poll(() => failed).toMatchObject({ code: 'ECONNRESET' });
  socket.destroy();
});

describe('maxBodySize', () => {
  it('is answered by the host, with 413 and the end of the connection', async () => {
    const { app, log } = host();
    let runs = 0;
    app.setErrorHandler<Error & { statusCode?: number }>(async (error, _request, reply) => {
      reply.code(error.statusCode ?? 500);
      return `host: ${error.name}`;
    });
    await app.register(fastifyGateway, {
      maxBodySize: 10,
      app: says(() => {
        runs += 1;
        return '';
      }),
    });
    const text = await exchange(await listen(app), post('x'.repeat(11)));
    expect(text).toMatch(/^HTTP\/1\.1 413 Payload Too Large\r\n/);
    expect(text).toMatch(/^connection: close\r$/im);
    expect(text).toMatch(/host: PayloadTooLargeError$/);
    expect([runs, log.entries]).toEqual([0, []]);
  });

  it('holds for a body without a length, and for what a hook has made of one', async () => {
    const { app } = host({}, 'fatal');
    app.addHook('preParsing', async (request, _reply, payload) => {
      if (request.headers['x-swell'] === undefined) return payload;
      return payload.pipe(
        new Transform({
          transform: (_chunk, _encoding, done) => done(null, Buffer.alloc(1000)),
        }),
      );
    });
    await app.register(fastifyGateway, { maxBodySize: 10, app: echo });
    const port = await listen(app);
    const chunked = head('POST /', 'Content-Type: a/b', 'Transfer-Encoding: chunked');
    expect(await exchange(port, `${chunked}14\r\n${'x'.repeat(20)}\r\n0\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 413 /,
    );
    const swollen = head('POST /', 'Content-Type: a/b', 'Content-Length: 1', 'X-Swell: 1');
    expect(await exchange(port, `${swollen}x`)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('stands in for bodyLimit, which is for what Fastify parses', async () => {
    const { app } = host({ bodyLimit: 10 });
    await app.register(fastifyGateway, { app: echo });
    const response = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'text/plain' },
      payload: 'x'.repeat(100),
    });
    expect(response.body).toHaveLength(100);
  });
});

describe('a Content-Type that is none', () => {
  it('is refused by the host, as on any route', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: echo });
    const request = `${head('POST /', 'Content-Type: nonsense', 'Content-Length: 1')}x`;
    expect(await exchange(await listen(app), request)).toMatch(/^HTTP\/1\.1 415 /);
  });
});
