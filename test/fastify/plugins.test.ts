import { gunzipSync } from 'node:zlib';
import caching from '@fastify/caching';
import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import etag from '@fastify/etag';
import formbody from '@fastify/formbody';
import helmet from '@fastify/helmet';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import sensible from '@fastify/sensible';
import session from '@fastify/session';
import swagger from '@fastify/swagger';
import underPressure from '@fastify/under-pressure';
import { fastifyGateway } from '@wsgi/fastify';
import { describe, expect, it } from 'vitest';
import { CountedBody, echo, exchange, head, host, listen, says, TEXT, until } from './support.ts';

declare module 'fastify' {
  interface Session {
    visits?: number;
  }
}

describe('@fastify/helmet', () => {
  it('its header fields are sent with the response and with an error page', async () => {
    const { app } = host({}, 'fatal');
    await app.register(helmet);
    await app.register(fastifyGateway, {
      app: (environ, startResponse) => {
        if (environ.PATH_INFO === '/broken') throw new Error('broken');
        startResponse('200 OK', TEXT);
        return [Buffer.from('x')];
      },
    });
    const port = await listen(app);
    for (const path of ['/', '/broken']) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
    }
  });
});

describe('@fastify/cors', () => {
  it('answers preflights and marks responses, of an application mounted at the root too', async () => {
    const { app } = host();
    await app.register(cors, { origin: ['https://a.example', 'https://b.example'] });
    await app.register(fastifyGateway, { app: says('x', [...TEXT, ['Vary', 'Accept']]) });
    const port = await listen(app);
    const preflight = await exchange(
      port,
      head('OPTIONS /a', 'Origin: https://a.example', 'Access-Control-Request-Method: PUT'),
    );
    expect(preflight).toMatch(/^HTTP\/1\.1 204 /);
    expect(preflight).toMatch(/access-control-allow-methods: .*/i);
    const response = await fetch(`http://127.0.0.1:${port}/a`, {
      headers: { origin: 'https://a.example' },
    });
    expect(await response.text()).toBe('x');
    expect(response.headers.get('access-control-allow-origin')).toBe('https://a.example');
    expect(response.headers.get('vary')).toBe('Origin, Accept');
  });
});

describe('@fastify/compress', () => {
  it('compresses a large body, in one chunk or in many', async () => {
    const { app } = host();
    await app.register(compress, { encodings: ['gzip'] });
    const text = 'compress me '.repeat(10_000);
    await app.register(fastifyGateway, { app: says(text), prefix: '/one' });
    await app.register(fastifyGateway, {
      prefix: '/many',
      app: function* (_environ, startResponse) {
        startResponse('200 OK', TEXT);
        for (let from = 0; from < text.length; from += 1000) {
          yield Buffer.from(text.slice(from, from + 1000));
        }
      },
    });
    await listen(app);
    for (const url of ['/one', '/many']) {
      const response = await app.inject({ url, headers: { 'accept-encoding': 'gzip' } });
      expect(response.headers).toMatchObject({ 'content-encoding': 'gzip' });
      expect(response.rawPayload.length).toBeLessThan(5_000);
      expect(gunzipSync(response.rawPayload).toString()).toBe(text);
    }
  });

  it('lets server-sent events through at once', async () => {
    const { app } = host();
    await app.register(compress, { threshold: 0 });
    let sendSecond: () => void = () => {};
    const second = new Promise<void>((resolve) => {
      sendSecond = resolve;
    });
    await app.register(fastifyGateway, {
      app: async function* (_environ, startResponse) {
        startResponse('200 OK', [['Content-Type', 'text/event-stream']]);
        yield Buffer.from('data: first\n\n');
        await second;
        yield Buffer.from('data: second\n\n');
      },
    });
    const request = head('GET /', 'Accept-Encoding: gzip, br');
    // The second event waits until the first one is here.
    const socket = await until(await listen(app), request, 'data: first\n\n');
    const rest = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
        if (text.includes('data: second\n\n')) resolve(text);
      });
    });
    sendSecond();
    await rest;
    socket.destroy();
  });

  it('closes the body when the client of a compressed stream goes', async () => {
    const { app } = host({}, 'fatal');
    await app.register(compress, { encodings: ['gzip'], threshold: 0 });
    const body = new CountedBody(endless());
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return body;
      },
    });
    const request = head('GET /', 'Accept-Encoding: gzip');
    const socket = await until(await listen(app), request, 'gzip');
    socket.destroy();
    await body.closed;
    expect(body.closes).toBe(1);
  });

  it('decompresses a request before the application reads it', async () => {
    const { app } = host();
    await app.register(compress);
    const seen: unknown[] = [];
    await app.register(fastifyGateway, {
      app: (environ, startResponse) => {
        seen.push(environ.CONTENT_LENGTH, environ.HTTP_CONTENT_ENCODING);
        return echo(environ, startResponse);
      },
    });
    const { gzipSync } = await import('node:zlib');
    const response = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
      payload: gzipSync('what was sent'),
    });
    expect(response.body).toBe('what was sent');
    expect(seen[0]).toBe('');
  });
});

describe('@fastify/cookie and @fastify/session', () => {
  it('both set their cookies beside those of the application', async () => {
    const { app } = host();
    await app.register(cookie);
    await app.register(session, { secret: 's'.repeat(32), cookie: { secure: false } });
    app.addHook('preHandler', async (request, reply) => {
      request.session.visits = (request.session.visits ?? 0) + 1;
      reply.setCookie('host', '1');
    });
    await app.register(fastifyGateway, {
      app: (environ, startResponse) => {
        startResponse('200 OK', [...TEXT, ['Set-Cookie', 'app=1']]);
        return [Buffer.from(String(environ['host.visits']))];
      },
      environ: (request) => ({ 'host.visits': request.session.visits }),
    });
    const url = `http://127.0.0.1:${await listen(app)}/`;
    const first = await fetch(url);
    const cookies = first.headers.getSetCookie();
    expect(cookies.map((text) => text.split('=')[0]).toSorted()).toEqual([
      'app',
      'host',
      'sessionId',
    ]);
    const sent = cookies.map((text) => text.split(';')[0]).join('; ');
    expect(await first.text()).toBe('1');
    expect(await (await fetch(url, { headers: { cookie: sent } })).text()).toBe('2');
  });
});

describe('@fastify/rate-limit', () => {
  it('counts requests to the application, tells what is left and refuses the rest', async () => {
    const { app } = host();
    await app.register(rateLimit, { max: 2 });
    let runs = 0;
    await app.register(fastifyGateway, {
      app: says(() => {
        runs += 1;
        return 'x';
      }),
      prefix: '/gateway',
    });
    const url = `http://127.0.0.1:${await listen(app)}/gateway/x`;
    const responses = [await fetch(url), await fetch(url), await fetch(url)];
    expect(responses.map((response) => response.status)).toEqual([200, 200, 429]);
    expect(responses[0]?.headers.get('x-ratelimit-remaining')).toBe('1');
    expect(runs).toBe(2);
  });
});

describe('@fastify/under-pressure', () => {
  it('keeps requests from the application while the host is under pressure', async () => {
    const { app } = host({}, 'fatal');
    let healthy = true;
    await app.register(underPressure, {
      healthCheck: async () => healthy,
      healthCheckInterval: 5,
    });
    await app.register(fastifyGateway, { app: says('x') });
    const url = `http://127.0.0.1:${await listen(app)}/`;
    expect((await fetch(url)).status).toBe(200);
    healthy = false;
    await expect.poll(async () => (await fetch(url)).status).toBe(503);
  });
});

describe('@fastify/etag and @fastify/caching', () => {
  it('tag a body in one chunk and answer 304 with its own reason', async () => {
    const { app } = host();
    await app.register(etag);
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 Quite Fine', TEXT);
        return [Buffer.from('tag me')];
      },
    });
    const port = await listen(app);
    const tag = /etag: (.*)\r\n/i.exec(await exchange(port, head('GET /')))?.[1];
    expect(tag).toBeDefined();
    const again = await exchange(port, head('GET /', `If-None-Match: ${tag}`));
    expect(again.split('\r\n')[0]).toBe('HTTP/1.1 304 Not Modified');
  });

  it('set Cache-Control where the application did not', async () => {
    const { app } = host();
    await app.register(caching, { privacy: 'public', expiresIn: 60 });
    await app.register(fastifyGateway, { app: says('x'), prefix: '/silent' });
    const headers: [string, string][] = [['Cache-Control', 'no-store']];
    await app.register(fastifyGateway, { app: says('x', headers), prefix: '/says' });
    expect((await app.inject('/silent')).headers['cache-control']).toBe('public, max-age=60');
    expect((await app.inject('/says')).headers['cache-control']).toBe('no-store');
  });
});

describe('@fastify/sensible', () => {
  it('makes errors that the host answers, thrown by the application', async () => {
    const { app } = host({}, 'fatal');
    await app.register(sensible);
    await app.register(fastifyGateway, {
      app: () => {
        throw app.httpErrors.conflict('already there');
      },
    });
    const response = await fetch(`http://127.0.0.1:${await listen(app)}/`);
    expect([response.status, await response.json()]).toMatchObject([
      409,
      { error: 'Conflict', message: 'already there' },
    ]);
  });
});

describe('@fastify/multipart and @fastify/formbody', () => {
  it('parse for the host, and leave the body to the application', async () => {
    const { app } = host();
    await app.register(multipart, { attachFieldsToBody: 'keyValues' });
    await app.register(formbody);
    app.post('/host', async (request) => request.body);
    await app.register(fastifyGateway, { app: echo, prefix: '/gateway' });
    const url = `http://127.0.0.1:${await listen(app)}`;
    const form = (): FormData => {
      const data = new FormData();
      data.set('field', 'value');
      return data;
    };
    const post = (path: string, body: FormData | URLSearchParams) =>
      fetch(`${url}${path}`, { method: 'POST', body });
    expect(await (await post('/host', form())).json()).toEqual({ field: 'value' });
    expect(await (await post('/gateway', form())).text()).toContain('name="field"\r\n\r\nvalue');
    const query = new URLSearchParams({ field: 'value' });
    expect(await (await post('/host', query)).json()).toEqual({ field: 'value' });
    expect(await (await post('/gateway', query)).text()).toBe('field=value');
  });
});

describe('@fastify/swagger', () => {
  it('describes the host beside an application with routes for all methods', async () => {
    const { app } = host();
    await app.register(swagger, { openapi: { info: { title: 'host', version: '1' } } });
    app.addHttpMethod('PROPFIND', { hasBody: true });
    await app.register(fastifyGateway, { app: says('x'), prefix: '/gateway/:tenant' });
    app.get('/host', { schema: { summary: 'the host' } }, async () => 'host');
    await app.ready();
    const document = app.swagger();
    expect(document.paths?.['/host']).toMatchObject({ get: { summary: 'the host' } });
    expect((await app.inject('/gateway/blue/x')).body).toBe('x');
  });
});

async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    yield Buffer.from(Array.from({ length: 4096 }, () => Math.random() * 256));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
