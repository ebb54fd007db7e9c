import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Application, TextErrors } from '@wsgi/core';
import { mountGateway } from '@wsgi-examples/koa';
import Koa from 'koa';
import { expect, onTestFinished, test } from 'vitest';

/** Serves a host until the test is over; its URL. */
async function listen(host: Koa): Promise<string> {
  const server = createServer(host.callback());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test.each<[string, Application]>([
  [
    'before startResponse',
    () => {
      throw new Error('planned');
    },
  ],
  [
    'after it',
    async (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '5']]);
      throw new Error('planned');
    },
  ],
])('a middleware of Koa answers in place of an application that fails %s', async (_when, app) => {
  const host = new Koa();
  host.use(async (context, next) => {
    try {
      await next();
    } catch (error) {
      context.status = 503;
      context.body = `caught ${String(error)}`;
    }
  });
  host.use(mountGateway(app, { errors: new TextErrors(() => {}) }));
  const response = await fetch(await listen(host));
  expect(response.status).toBe(503);
  expect(await response.text()).toBe('caught Error: planned');
});

test('the client that a trusted proxy names does not have the port of the proxy', async () => {
  const host = new Koa({ proxy: true });
  host.use(
    mountGateway((environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.from(`${environ.REMOTE_ADDR}, port ${environ.REMOTE_PORT}`)];
    }),
  );
  const response = await fetch(await listen(host), {
    headers: { 'X-Forwarded-For': '192.0.2.7' },
  });
  expect(await response.text()).toBe('192.0.2.7, port undefined');
});
