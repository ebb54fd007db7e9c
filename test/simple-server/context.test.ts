/** What a request sets in an `AsyncLocalStorage` is found by nobody else's. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from '@wsgi/core';
import { WSGIRequestHandler } from '@wsgi/simple-server';
import { beforeEach, expect, it } from 'vitest';
import { dial, serve } from './support.ts';

const user = new AsyncLocalStorage<string>();
let seen: string[] = [];

beforeEach(() => {
  seen = [];
});

/** Says whom it finds, and then who its own user is. */
const quick: Application = (environ, startResponse) => {
  seen.push(`${environ.PATH_INFO} finds ${user.getStore()}`);
  user.enterWith(environ.PATH_INFO);
  startResponse('200 OK', []);
  return [Buffer.from('small')];
};

const slow: Application = async (environ, startResponse) => {
  const body = await quick(environ, startResponse);
  await sleep(1);
  return body;
};

/** More than the system takes at once: the next request waits until it has left. */
const large: Application = (environ, startResponse) => {
  quick(environ, startResponse);
  return [Buffer.alloc(4_000_000)];
};

const get = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const last = (path: string): string => get(path, 'Connection: close\r\n');

it.each([
  ['at once', quick],
  ['later', slow],
  ['at length', large],
])('the next request of a pipeline that is answered %s finds nobody', async (_how, app) => {
  const { port = 0 } = await serve(app);
  const socket = connect(port, '127.0.0.1');
  socket.write(get('/1') + get('/2') + last('/3'));
  await buffer(socket);
  expect(seen).toEqual(['/1 finds undefined', '/2 finds undefined', '/3 finds undefined']);
});

it.each([
  ['at once', quick],
  ['later', slow],
])('the next request of a kept connection that is answered %s finds nobody', async (_how, app) => {
  const client = await dial(await serve(app));
  await client.send(get('/1')).until(/small$/);
  await client.send(last('/2')).untilClosed();
  expect(seen).toEqual(['/1 finds undefined', '/2 finds undefined']);
});

it('what the option environ sets is found by its own application, and by the line of the log', async () => {
  class Handler extends WSGIRequestHandler {
    override logRequest(): void {
      seen.push(`log of ${this.requestLine} finds ${user.getStore()}`);
    }
  }
  const app: Application = (environ, startResponse) => {
    seen.push(`${environ.PATH_INFO} finds ${user.getStore()}`);
    startResponse('200 OK', []);
    return [];
  };
  const environ = (request: { url: string }) => {
    if (request.url === '/1') user.enterWith('Ada');
    return {};
  };
  const client = await dial(await serve(app, { handlerClass: Handler, environ }));
  await client.send(get('/1') + last('/2')).untilClosed();
  expect(seen).toEqual([
    '/1 finds Ada',
    'log of GET /1 HTTP/1.1 finds Ada',
    '/2 finds undefined',
    'log of GET /2 HTTP/1.1 finds undefined',
  ]);
});
