/**
 * What a request sets in an `AsyncLocalStorage` is found by nobody else's; but for what node:http has it find, too: before
 * Node 24, `enterWith()` in a listener stays with the connection.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from '@wsgi/core';
import { WSGIRequestHandler } from '@wsgi/simple-server';
import { expect, it, onTestFinished } from 'vitest';
import { serve } from './support.ts';

const user = new AsyncLocalStorage<string>();

/** Says whom it finds, and then who its own user is. */
function enter(path: string, seen: string[]): void {
  seen.push(`${path} finds ${user.getStore()}`);
  user.enterWith(path);
}

const get = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const last = (path: string): string => get(path, 'Connection: close\r\n');

const pipeline = async (port: number): Promise<void> => {
  const socket = connect(port, '127.0.0.1');
  socket.write(get('/1') + get('/2') + last('/3'));
  await buffer(socket);
};

const keptConnection = async (port: number): Promise<void> => {
  const socket = connect(port, '127.0.0.1');
  socket.write(get('/1'));
  await once(socket, 'data');
  socket.write(get('/2'));
  await once(socket, 'data');
  socket.write(last('/3'));
  await buffer(socket);
};

/** Whom the three requests of a client find that node:http serves. */
async function nodeFinds(client: (port: number) => Promise<void>): Promise<string[]> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    enter(request.url ?? '', seen);
    response.end('small');
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  await client((server.address() as AddressInfo).port);
  return seen;
}

const answers: Record<string, (seen: string[]) => Application> = {
  'at once': (seen) => (environ, startResponse) => {
    enter(environ.PATH_INFO, seen);
    startResponse('200 OK', []);
    return [Buffer.from('small')];
  },
  later: (seen) => async (environ, startResponse) => {
    enter(environ.PATH_INFO, seen);
    await sleep(1);
    startResponse('200 OK', []);
    return [Buffer.from('small')];
  },
  // More than the system takes at once: the next request waits until it has left.
  'at length': (seen) => (environ, startResponse) => {
    enter(environ.PATH_INFO, seen);
    startResponse('200 OK', []);
    return [Buffer.alloc(4_000_000)];
  },
};

it.each([
  ['a pipeline', 'at once', pipeline],
  ['a pipeline', 'later', pipeline],
  ['a pipeline', 'at length', pipeline],
  ['a kept connection', 'at once', keptConnection],
  ['a kept connection', 'later', keptConnection],
])('the next request of %s that is answered %s finds nobody', async (_where, how, client) => {
  const seen: string[] = [];
  const { port = 0 } = await serve(answers[how]?.(seen) ?? expect.unreachable());
  await client(port);
  const nobody = ['/1', '/2', '/3'].map((path) => `${path} finds undefined`);
  const known = await nodeFinds(client);
  expect(seen.map((line, index) => (line === known[index] ? nobody[index] : line))).toEqual(nobody);
});

it('what the option environ sets is found by its own application, and by the line of the log', async () => {
  const seen: string[] = [];
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
  const { port = 0 } = await serve(app, { handlerClass: Handler, environ });
  const socket = connect(port, '127.0.0.1');
  socket.write(get('/1') + last('/2'));
  await buffer(socket);
  expect(seen).toEqual([
    '/1 finds Ada',
    'log of GET /1 HTTP/1.1 finds Ada',
    '/2 finds undefined',
    'log of GET /2 HTTP/1.1 finds undefined',
  ]);
});
