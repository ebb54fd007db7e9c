import { createServer } from 'node:http';
import { mountGateway } from '@wsgi/express';
import type { ErrorRequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { echo, listen, originOf, recorder, text, versions } from './support.ts';

const probes: Array<[path: string, init?: RequestInit]> = [
  ['/own'],
  ['/own', { method: 'HEAD' }],
  ['/own', { method: 'OPTIONS' }],
  ['/own', { method: 'DELETE' }],
  ['/json', json('{"a":1}')],
  ['/json', json('{')],
  ['/text', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'text' }],
  ['/fails'],
  ['/nowhere'],
];

function json(body: string): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
}

/** All that the host answers to these requests, but for the time. */
async function behaviour(origin: string, settle: () => Promise<void>): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const [path, init] of probes) {
    const response = await fetch(origin + path, init);
    const headers = [...response.headers].filter(([name]) => name !== 'date');
    answers.push([path, response.status, headers, await response.text()]);
    await settle();
  }
  return answers;
}

describe.each(versions)('mounting an app in $version', ({ express }) => {
  it('using it, and taking it away leave the host as it was', async () => {
    const host = express();
    const hooks: string[] = [];
    let open = 0;
    const settle = (): Promise<void> => expect.poll(() => open).toBe(0);
    host.use((request, response, next) => {
      hooks.push(`begin ${request.url}`);
      open += 1;
      response.on('finish', () => hooks.push('finish'));
      response.on('close', () => {
        hooks.push('close');
        open -= 1;
      });
      next();
    });
    host.use('/json', express.json());
    host.use('/text', express.text());
    const slot: { gateway?: ReturnType<typeof mountGateway> } = {};
    host.use('/gw', (request, response, next) => {
      if (slot.gateway === undefined) next();
      else slot.gateway(request, response, next);
    });
    host.get('/own', (_request, response) => void response.send('own'));
    host.post(['/json', '/text'], (request, response) => void response.json(request.body));
    host.get('/fails', () => {
      throw new Error('the host fails');
    });
    const page: ErrorRequestHandler = (error, _request, response, _next) => {
      response.status(error.status ?? 500).send(`page: ${error.message}`);
    };
    host.use(page);
    const server = await listen(createServer(host));
    const origin = originOf(server);
    const state = (): unknown => [
      { ...host.settings },
      host.mountpath,
      Object.keys(host.locals),
      Object.keys(host.request).concat(Object.keys(host.response)),
      server.eventNames().map((name) => [name, server.listenerCount(name)]),
      process.eventNames().map((name) => [name, process.listenerCount(name)]),
    ];

    const before = [state(), await behaviour(origin, settle)];
    const hooksBefore = hooks.splice(0);

    slot.gateway = mountGateway(echo('REQUEST_METHOD', 'CONTENT_TYPE'));
    expect([state(), await behaviour(origin, settle)]).toEqual(before);
    expect(hooks.splice(0)).toEqual(hooksBefore);

    const used = await fetch(`${origin}/gw`, json('{"a":1}'));
    expect(await used.json()).toEqual({
      REQUEST_METHOD: 'POST',
      CONTENT_TYPE: 'application/json',
    });
    slot.gateway = mountGateway(
      () => {
        throw new Error('the app fails');
      },
      { errors: recorder().errors },
    );
    expect(await (await fetch(`${origin}/gw`)).text()).toBe('page: the app fails');
    await settle();
    expect(hooks.splice(0)).toEqual([
      'begin /gw',
      'finish',
      'close',
      'begin /gw',
      'finish',
      'close',
    ]);
    expect([state(), await behaviour(origin, settle)]).toEqual(before);
    expect(hooks.splice(0)).toEqual(hooksBefore);

    delete slot.gateway;
    expect((await fetch(`${origin}/gw`)).status).toBe(404);
    hooks.length = 0;
    expect([state(), await behaviour(origin, settle)]).toEqual(before);
    expect(hooks).toEqual(hooksBefore);
  });

  it('adds one layer to a router, which can be taken away again', async () => {
    const host = express();
    const router = express.Router();
    router.get('/own', (_request, response) => void response.send('own'));
    host.use(router);
    const before = [...router.stack];
    router.use('/gw', mountGateway(text('app')));
    expect(router.stack.length).toBe(before.length + 1);
    expect(router.stack.every((layer, index) => index === 1 || layer === before[index])).toBe(true);
    const origin = originOf(await listen(createServer(host)));
    const statuses = async (): Promise<number[]> => [
      (await fetch(`${origin}/gw`)).status,
      (await fetch(`${origin}/own`)).status,
    ];
    expect(await statuses()).toEqual([200, 200]);
    router.stack.pop();
    expect(await statuses()).toEqual([404, 200]);
  });

  it('changes nothing of a request or a response that goes on to the host', async () => {
    const host = express();
    const views: unknown[] = [];
    const look =
      (): import('express').RequestHandler =>
      (request, response, next): void => {
        views.push([
          { url: request.url, originalUrl: request.originalUrl, baseUrl: request.baseUrl },
          request.eventNames(),
          response.eventNames(),
          Object.getOwnPropertyNames(request).sort(),
          Object.getOwnPropertyNames(response).sort(),
          response.getHeaders(),
          response.statusCode,
          response.statusMessage,
          request.readableFlowing,
          request.readableDidRead,
        ]);
        next();
      };
    host.use(look());
    host.use(mountGateway(text('', '404 Not Found'), { cascade: true }));
    host.use(look());
    host.use((_request, response) => void response.send('host'));
    const server = await listen(createServer(host));
    await fetch(originOf(server), { method: 'POST', body: 'x' });
    expect(views[1]).toEqual(views[0]);
  });

  it('handles the same app at many mounts, apart from one another', async () => {
    const gateway = mountGateway(echo('SCRIPT_NAME'));
    const one = express();
    const two = express();
    one.use('/one', gateway);
    two.use('/two', gateway);
    const origins = [await listen(createServer(one)), await listen(createServer(two))].map(
      originOf,
    );
    const answers = await Promise.all([
      fetch(`${origins[0]}/one`).then((response) => response.json()),
      fetch(`${origins[1]}/two`).then((response) => response.json()),
    ]);
    expect(answers).toEqual([{ SCRIPT_NAME: '/one' }, { SCRIPT_NAME: '/two' }]);
  });
});
