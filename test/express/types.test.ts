/** What these tests prove, `tsc -p test` proves: that nobody needs a cast. Running them proves that it works, too. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mountGateway } from '@wsgi/express';
import express5 from 'express';
import express4 from 'express4';
import { expect, it } from 'vitest';
import { echo, getJson, serve } from './support.ts';

declare global {
  namespace Express {
    interface Request {
      /** As passport declares it, and users do. */
      user?: { name: string };
    }
  }
}

it('takes the request type of @types/express 5', async () => {
  const host = express5();
  host.use((request, _response, next) => {
    request.user = { name: 'ada' };
    next();
  });
  const gateway = mountGateway(echo('REMOTE_USER', 'my.host'), {
    environ: (request: express5.Request) => ({
      REMOTE_USER: request.user?.name,
      'my.host': request.hostname,
    }),
  });
  host.use(gateway);
  host.use('/a', gateway);
  host.use(['/b', /^\/c/], gateway, [gateway]);
  host.get('/d', gateway);
  host.route('/e').all(gateway);
  express5.Router().use(gateway).use('/f', gateway);
  const handler: express5.RequestHandler = gateway;
  expect(handler).toHaveLength(3);
  expect(await getJson(await serve(host), '/')).toEqual({
    REMOTE_USER: 'ada',
    'my.host': '127.0.0.1',
  });
});

it('takes the request type of @types/express 4', async () => {
  const host = express4();
  host.use((request, _response, next) => {
    request.user = { name: 'ada' };
    next();
  });
  const gateway = mountGateway(echo('REMOTE_USER', 'my.host'), {
    environ: (request: express4.Request) => ({
      REMOTE_USER: request.user?.name,
      'my.host': request.hostname,
    }),
  });
  host.use(gateway);
  host.use('/a', gateway);
  host.use(['/b', /^\/c/], gateway, [gateway]);
  host.get('/d', gateway);
  host.route('/e').all(gateway);
  express4.Router().use(gateway).use('/f', gateway);
  const handler: express4.RequestHandler = gateway;
  expect(handler).toHaveLength(3);
  expect(await getJson(await serve(host), '/')).toEqual({
    REMOTE_USER: 'ada',
    'my.host': '127.0.0.1',
  });
});

it("takes a request type with a route's parameters, body and query", async () => {
  type Item5 = express5.Request<{ id: string }, unknown, { text: string }, { page?: string }>;
  type Item4 = express4.Request<{ id: string }, unknown, { text: string }, { page?: string }>;
  const app = echo('my.id', 'my.page');
  const five = express5();
  five.use(
    '/items/:id',
    mountGateway(app, {
      environ: (request: Item5) => ({ 'my.id': request.params.id, 'my.page': request.query.page }),
    }),
  );
  const four = express4();
  four.use(
    '/items/:id',
    mountGateway(app, {
      environ: (request: Item4) => ({ 'my.id': request.params.id, 'my.page': request.query.page }),
    }),
  );
  for (const host of [four, five]) {
    expect(await getJson(await serve(host), '/items/7?page=2')).toEqual({
      'my.id': '7',
      'my.page': '2',
    });
  }
});

it("takes a user's own request type", async () => {
  interface Signed extends express5.Request {
    user: { name: string };
  }
  const gateway = mountGateway(echo('REMOTE_USER'), {
    environ: (request: Signed) => ({ REMOTE_USER: request.user.name }),
  });
  const signed = { user: { name: 'ada' } };
  const host = express5();
  host.use((request, response, next) => gateway(Object.assign(request, signed), response, next));
  expect(await getJson(await serve(host), '/')).toEqual({ REMOTE_USER: 'ada' });
});

it('without an annotation gives environ what is common to all requests', async () => {
  const gateway = mountGateway(echo('my.ip', 'my.url', 'my.method'), {
    environ: (request) => ({
      'my.ip': request.ip,
      'my.url': request.originalUrl,
      'my.method': request.method,
    }),
  });
  const host = express5();
  host.use(gateway);
  expect(await getJson(await serve(host), '/x')).toEqual({
    'my.ip': '127.0.0.1',
    'my.url': '/x',
    'my.method': 'GET',
  });
});

it('is a listener of node:http and a middleware of connect, too', async () => {
  const gateway = mountGateway(echo('PATH_INFO'));
  const listener: (request: IncomingMessage, response: ServerResponse) => void = gateway;
  expect(await getJson(await serve(listener), '/x')).toEqual({ PATH_INFO: '/x' });
});

it('refuses what would not work, when it is compiled and when it is mounted', () => {
  const app = echo();
  // @ts-expect-error: the option takes no promise.
  mountGateway(app, { environ: async () => ({}) });
  // @ts-expect-error: nor a list.
  expect(() => mountGateway(app, { environ: 'REMOTE_USER' })).toThrow(TypeError);
  // @ts-expect-error: a body is bytes, not text.
  mountGateway((_environ, startResponse) => {
    startResponse('200 OK', []);
    return ['text'];
  });
  // @ts-expect-error: an application is no string.
  expect(() => mountGateway('app')).toThrow(TypeError);
  // @ts-expect-error: an option of this name there is not.
  mountGateway(app, { cascades: true });
  // @ts-expect-error: statuses are numbers.
  expect(() => mountGateway(app, { cascade: ['404'] })).toThrow(TypeError);
});
