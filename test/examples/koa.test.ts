import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Application, TextErrors } from '@wsgi/core';
import { mountGateway } from '@wsgi-examples/koa';
import Koa from 'koa';
import { expect, test } from 'vitest';

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
  const server = createServer(host.callback());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(response.status).toBe(503);
    expect(await response.text()).toBe('caught Error: planned');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
