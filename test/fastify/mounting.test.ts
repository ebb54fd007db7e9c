import { fastifyGateway } from '@wsgi/fastify';
import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { echo, exchange, head, host, listen, says, tells } from './support.ts';

const PATH = ['SCRIPT_NAME', 'PATH_INFO'];
const paths = tells(...PATH);

describe('the path', () => {
  it.each([
    ['the mount itself', '/gw', '/gw', ['/gw', '']],
    ['the mount and a slash', '/gw', '/gw/', ['/gw', '/']],
    ['below the mount', '/gw', '/gw/a/b?c=d', ['/gw', '/a/b']],
    ['doubled slashes below', '/gw', '/gw//a', ['/gw', '//a']],
    ['an encoded mount', '/gw', '/%67w/a', ['/gw', '/a']],
    ['an encoded slash', '/gw', '/gw/a%2Fb', ['/gw', '/a/b']],
    ['a parameter', '/t/:tenant/app', '/t/blue%20sky/app/x', ['/t/blue sky/app', '/x']],
    ['a parameter with a pattern', '/:id(^\\d+$)', '/42/x', ['/42', '/x']],
    ['a pattern that holds a slash', '/:id(^[^/]+$)', '/a-b/x/y', ['/a-b', '/x/y']],
    ['a pattern with a parenthesis that is meant', '/:id(^\\(.+$)/b', '/(x/b/c', ['/(x/b', '/c']],
    ['a parameter that is empty', '/:tenant/app', '//app/x', ['/app', '/x']],
    ['a last parameter that is empty', '/t/:tenant', '/t//x', ['/t', '/x']],
    ['two parameters in a segment', '/:a-:b', '/1-2/x', ['/1-2', '/x']],
    ['the root', undefined, '/a', ['', '/a']],
    ['the root, by name', '/', '/a', ['', '/a']],
    ['the root of the root', undefined, '/', ['', '/']],
  ])('%s', async (_name, prefix, url, expected) => {
    const { app } = host();
    await app.register(fastifyGateway, { app: paths, ...(prefix && { prefix }) });
    const text = await exchange(await listen(app), head(`GET ${url}`));
    const body = JSON.parse(text.slice(text.indexOf('\r\n\r\n')));
    expect(PATH.map((key) => body[key])).toEqual(expected);
  });

  it('is counted through nested scopes, each with a prefix of its own', async () => {
    const { app } = host();
    await app.register(
      async (outer) => {
        await outer.register(
          async (inner) => {
            await inner.register(fastifyGateway, { app: paths, prefix: '/c' });
          },
          { prefix: '/:b' },
        );
      },
      { prefix: '/a' },
    );
    expect((await app.inject('/a/x/c/d')).json()).toEqual({
      SCRIPT_NAME: '/a/x/c',
      PATH_INFO: '/d',
    });
  });

  it('may be mounted twice, each time apart', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: says('one'), prefix: '/one' });
    await app.register(fastifyGateway, { app: says('two'), prefix: '/two' });
    expect((await app.inject('/one/x')).body).toBe('one');
    expect((await app.inject('/two/x')).body).toBe('two');
  });

  it('mounted twice at one place is refused by Fastify', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: says('one'), prefix: '/one' });
    await expect(
      app.register(fastifyGateway, { app: says('two'), prefix: '/one' }),
    ).rejects.toThrow(/already declared/);
  });

  it('of the router with ignoreDuplicateSlashes and without case is cut where it was sent', async () => {
    const { app } = host({
      routerOptions: { ignoreDuplicateSlashes: true, caseSensitive: false },
    });
    await app.register(fastifyGateway, { app: paths, prefix: '/Gate/way' });
    expect((await app.inject('/GATE//WAY//x')).json()).toEqual({
      SCRIPT_NAME: '/GATE/WAY',
      PATH_INFO: '//x',
    });
  });

  it.each([
    ['//evil.example/x', '"SCRIPT_NAME":"/evil.example","PATH_INFO":"/x"'],
    ['/%2Fevil.example/x', '"SCRIPT_NAME":"/evil.example","PATH_INFO":"/x"'],
    ['/blue%2F/x', '"SCRIPT_NAME":"/blue","PATH_INFO":"/x"'],
    ['/%2F', '"SCRIPT_NAME":"","PATH_INFO":"/"'],
  ])('never gives a SCRIPT_NAME that names another host: %s', async (target, split) => {
    const { app } = host({ routerOptions: { ignoreDuplicateSlashes: true } });
    await app.register(fastifyGateway, { app: paths, prefix: '/:tenant' });
    expect(await exchange(await listen(app), head(`GET ${target}`))).toContain(split);
  });

  it('follows rewriteUrl, and REQUEST_URI is what the client sent', async () => {
    const { app } = host({
      rewriteUrl: (request) => (request.url ?? '').replace('/old/', '/new/'),
    });
    await app.register(fastifyGateway, { app: tells(...PATH, 'REQUEST_URI'), prefix: '/new' });
    expect((await app.inject('/old/x?y')).json()).toEqual({
      SCRIPT_NAME: '/new',
      PATH_INFO: '/x',
      REQUEST_URI: '/old/x?y',
    });
  });

  it('of an absolute-form target is split, and * is nothing but *', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: tells(...PATH, 'REQUEST_URI') });
    const port = await listen(app);
    expect(await exchange(port, head('GET http://b.example/x'))).toContain('"PATH_INFO":"/x"');
    expect(await exchange(port, head('OPTIONS *'))).toContain(
      '{"SCRIPT_NAME":"","PATH_INFO":"","REQUEST_URI":"*"}',
    );
  });
});

describe('what the host knows of the client', () => {
  const client = tells('REMOTE_ADDR', 'REMOTE_PORT', 'wsgi.url_scheme', 'HTTP_HOST');
  const forwarded = head('GET /', 'X-Forwarded-For: 192.0.2.7', 'X-Forwarded-Proto: https');

  it('comes from forwarded fields where trustProxy says so', async () => {
    const { app } = host({ trustProxy: true });
    await app.register(fastifyGateway, { app: client });
    expect(await exchange(await listen(app), forwarded)).toMatch(
      /\{"REMOTE_ADDR":"192.0.2.7","wsgi.url_scheme":"https","HTTP_HOST":"a.example"\}$/,
    );
  });

  it('comes from the socket otherwise', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: client });
    expect(await exchange(await listen(app), forwarded)).toMatch(
      /\{"REMOTE_ADDR":"127.0.0.1","REMOTE_PORT":"\d+","wsgi.url_scheme":"http","HTTP_HOST":"a.example"\}$/,
    );
  });

  it('reaches the application by the option environ: user, request id and params', async () => {
    const { app } = host({ genReqId: () => 'request-7' });
    app.decorateRequest('visitor');
    app.addHook('onRequest', async (request) => {
      request.visitor = { name: 'ada' };
    });
    await app.register(fastifyGateway, {
      app: tells('REMOTE_USER', 'host.id', 'host.tenant'),
      prefix: '/:tenant',
      environ: (request: FastifyRequest<{ Params: { tenant: string } }>) => ({
        REMOTE_USER: request.visitor?.name,
        'host.id': request.id,
        'host.tenant': request.params.tenant,
      }),
    });
    expect((await app.inject('/blue/x')).json()).toEqual({
      REMOTE_USER: 'ada',
      'host.id': 'request-7',
      'host.tenant': 'blue',
    });
  });
});

describe('methods', () => {
  it('all that the server supports reach the application, HEAD as itself', async () => {
    const { app } = host();
    await app.register(fastifyGateway, {
      app: (environ, startResponse) => {
        startResponse('200 OK', [['X-Method', environ.REQUEST_METHOD]]);
        return [];
      },
    });
    const port = await listen(app);
    for (const method of app.supportedMethods.filter((name) => name !== 'QUERY')) {
      expect(await exchange(port, head(`${method} /`))).toMatch(
        new RegExp(`x-method: ${method}\\r\\n`, 'i'),
      );
    }
  });

  it('that were added before the mount reach it too, with their bodies', async () => {
    const { app } = host();
    app.addHttpMethod('PROPFIND', { hasBody: true });
    await app.register(fastifyGateway, { app: echo });
    const request = `${head('PROPFIND /', 'Content-Type: text/xml', 'Content-Length: 6')}<find>`;
    expect(await exchange(await listen(app), request)).toMatch(/<find>$/);
  });

  it('that were not added are refused by the host', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: says('x') });
    expect(await exchange(await listen(app), head('PROPFIND /'))).toMatch(/^HTTP\/1\.1 404 /);
  });
});

describe('the host', () => {
  it('keeps its routes, its parsers and its hooks as they were', async () => {
    const { app } = host();
    const hooked: string[] = [];
    app.addHook('onRequest', async (request) => void hooked.push(request.url));
    app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => {
      done(null, String(body).split(','));
    });
    app.get('/', async () => 'home');
    app.post('/host/echo', async (request) => request.body);
    const before = app.hasContentTypeParser('*');
    await app.register(fastifyGateway, { app: echo });
    app.post('/host/late', async (request) => request.body);
    await app.ready();

    expect(app.hasContentTypeParser('*')).toBe(before);
    expect(app.hasContentTypeParser('application/json')).toBe(true);
    expect((await app.inject('/')).body).toBe('home');
    for (const url of ['/host/echo', '/host/late']) {
      const json = await app.inject({ method: 'POST', url, payload: { a: 1 } });
      expect(json.json()).toEqual({ a: 1 });
    }
    const post = (type: string, payload: string) =>
      app.inject({ method: 'POST', url: '/host/echo', headers: { 'content-type': type }, payload });
    expect((await post('text/csv', 'a,b')).json()).toEqual(['a', 'b']);
    expect((await post('application/json', '{')).statusCode).toBe(400);
    expect((await post('a/b', 'x')).statusCode).toBe(415);
    expect(hooked).toHaveLength(6);
  });

  it('answers by its own error handler and not-found handler where the application is not mounted', async () => {
    const { app } = host();
    app.setErrorHandler(async (error, _request, reply) => {
      reply.code(500);
      return `host: ${error instanceof Error ? error.message : error}`;
    });
    app.setNotFoundHandler(async (_request, reply) => {
      reply.code(404);
      return 'host: not found';
    });
    app.get('/broken', async () => {
      throw new Error('a route failed');
    });
    const failure = new Error('the application failed');
    const seen: unknown[] = [];
    app.addHook('onError', async (_request, _reply, error) => void seen.push(error));
    await app.register(fastifyGateway, {
      prefix: '/gateway',
      app: () => {
        throw failure;
      },
    });
    expect((await app.inject('/nowhere')).body).toBe('host: not found');
    expect((await app.inject('/broken')).body).toBe('host: a route failed');
    expect((await app.inject('/gateway')).body).toBe('host: the application failed');
    expect(seen[1]).toBe(failure);
  });

  it('uses the error handler of the scope that the application is mounted in', async () => {
    const { app } = host({}, 'fatal');
    app.setErrorHandler(async () => 'outer');
    await app.register(async (scope) => {
      scope.setErrorHandler(async () => 'inner');
      await scope.register(fastifyGateway, {
        app: () => {
          throw new Error('failed');
        },
      });
    });
    expect((await app.inject('/')).body).toBe('inner');
  });

  it('has its routes below the mount come first', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: says('app'), prefix: '/gateway' });
    app.get('/gateway/moved', async () => 'host');
    expect((await app.inject('/gateway/moved')).body).toBe('host');
    expect((await app.inject('/gateway/other')).body).toBe('app');
  });

  it('refuses at registration what is no application or no option', async () => {
    const register = (options: object) =>
      host()
        .app.register(fastifyGateway, { app: says('x'), ...options })
        .then(() => 'registered');
    await expect(register({ app: 'text' })).rejects.toThrow(TypeError);
    await expect(register({ maxBodySize: '1mb' })).rejects.toThrow(/maxBodySize/);
    await expect(register({ environ: 1 })).rejects.toThrow(/environ/);
    await expect(register({ cascade: 'yes' })).rejects.toThrow(/cascade/);
  });
});
