import type { Application } from '@wsgi/core';
import { fastifyGateway } from '@wsgi/fastify';
import { describe, expect, it } from 'vitest';
import { CountedBody, exchange, head, host, listen, TEXT } from './support.ts';

/** An application of two pages. */
const pages: Application = (environ, startResponse) => {
  const known = ['/', '/report'].includes(environ.PATH_INFO);
  if (!known) {
    startResponse('404 Not Found', [...TEXT, ['Set-Cookie', 'lost=1'], ['X-App', 'lost']]);
    return [Buffer.from('the application knows no such page')];
  }
  if (environ.REQUEST_METHOD !== 'GET') {
    startResponse('405 Method Not Allowed', [...TEXT, ['Allow', 'GET']]);
    return [Buffer.from('the application knows no such method')];
  }
  startResponse('200 OK', TEXT);
  return [Buffer.from(`app ${environ.PATH_INFO}`)];
};

describe('cascade', () => {
  it('gives 404 and 405 to the not-found handler, with nothing of the application left on them', async () => {
    const { app } = host();
    app.setNotFoundHandler(async (request, reply) => {
      reply.code(404);
      return `host has no ${request.method} ${request.url} either`;
    });
    await app.register(fastifyGateway, { app: pages, cascade: true });
    const url = `http://127.0.0.1:${await listen(app)}`;
    expect(await (await fetch(`${url}/report`)).text()).toBe('app /report');
    const lost = await fetch(`${url}/lost`);
    expect([lost.status, await lost.text()]).toEqual([404, 'host has no GET /lost either']);
    expect(lost.headers.getSetCookie()).toEqual([]);
    expect(lost.headers.has('x-app')).toBe(false);
    const post = await fetch(`${url}/report`, { method: 'POST' });
    expect(await post.text()).toBe('host has no POST /report either');
    expect(post.headers.has('allow')).toBe(false);
  });

  it('runs the hooks once, and answers by Fastify where the host has no handler of its own', async () => {
    const { app, log } = host();
    const calls: string[] = [];
    app.addHook('onRequest', async () => void calls.push('onRequest'));
    app.addHook('onSend', async () => void calls.push('onSend'));
    app.addHook('onResponse', async () => void calls.push('onResponse'));
    await app.register(fastifyGateway, { app: pages, cascade: true, prefix: '/gateway' });
    const response = await app.inject('/gateway/lost');
    expect([response.statusCode, response.json().message]).toEqual([
      404,
      'Route GET:/gateway/lost not found',
    ]);
    await expect.poll(() => calls).toEqual(['onRequest', 'onSend', 'onResponse']);
    expect(log.entries).toEqual([]);
  });

  it('takes other statuses, and lets those it was not given through', async () => {
    const { app } = host();
    app.setNotFoundHandler(async () => 'host');
    await app.register(fastifyGateway, { app: pages, cascade: [404] });
    expect((await app.inject('/lost')).body).toBe('host');
    const post = await app.inject({ method: 'POST', url: '/' });
    expect([post.statusCode, post.headers.allow]).toEqual([405, 'GET']);
  });

  it('is off unless it is asked for', async () => {
    const { app } = host();
    app.setNotFoundHandler(async () => 'host');
    await app.register(fastifyGateway, { app: pages });
    const response = await app.inject('/lost');
    expect([response.statusCode, response.headers['x-app']]).toEqual([404, 'lost']);
  });

  it('closes the losing body once, without iterating it to its end', async () => {
    const { app } = host();
    app.setNotFoundHandler(async () => 'host');
    let steps = 0;
    const body = new CountedBody(
      (async function* () {
        for (;;) {
          steps += 1;
          yield Buffer.from('more');
        }
      })(),
    );
    await app.register(fastifyGateway, {
      cascade: true,
      app: async (_environ, startResponse) => {
        startResponse('404 Not Found', TEXT);
        return body;
      },
    });
    expect(await exchange(await listen(app), head('GET /'))).toMatch(/host$/);
    expect([body.closes, steps]).toEqual([1, 1]);
  });

  it('does not hide an error: what fails is answered by the error handler', async () => {
    const { app } = host({}, 'fatal');
    app.setErrorHandler(async (error) => `error: ${(error as Error).message}`);
    app.setNotFoundHandler(async () => 'host');
    await app.register(fastifyGateway, {
      cascade: true,
      app: function* (_environ, startResponse) {
        startResponse('404 Not Found', TEXT);
        yield Buffer.alloc(0);
        throw new Error('failed');
      },
    });
    expect((await app.inject('/')).body).toBe('error: failed');
  });

  it('leaves an unread body to the not-found handler, and the connection to the next request', async () => {
    const { app } = host();
    app.setNotFoundHandler(async (request) => {
      let size = 0;
      if (request.url === '/read') for await (const chunk of request.raw) size += chunk.length;
      return `host read ${size}`;
    });
    await app.register(fastifyGateway, { app: pages, cascade: true });
    const port = await listen(app);
    const body = 'x'.repeat(200_000);
    const post = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const text = await exchange(port, `${post('/lost')}${post('/read')}${head('GET /report')}`);
    expect(text.match(/host read \d+|app \/report/g)).toEqual([
      'host read 0',
      'host read 200000',
      'app /report',
    ]);
  });

  it('moves a route from the application to the host, and another back, one by one', async () => {
    // Before: all is the application's. Then `/report` is rewritten in the host, before it ...
    const { app } = host();
    app.get('/report', async () => 'host /report');
    await app.register(fastifyGateway, { app: pages, cascade: true });
    // ... and what neither has is the host's old site, behind it.
    app.setNotFoundHandler(async (request, reply) => {
      if (request.url !== '/old') return reply.code(404).send('nobody has it');
      return 'the old site';
    });
    const get = async (url: string) => (await app.inject(url)).body;
    expect(await get('/')).toBe('app /');
    expect(await get('/report')).toBe('host /report');
    expect(await get('/old')).toBe('the old site');
    expect(await get('/lost')).toBe('nobody has it');
  });
});
