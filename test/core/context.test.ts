/** What belongs to a request runs in its asynchronous context, as in a handler of Node's own. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import type { Application } from '@wsgi/core';
import { HolderInContext, mayHold } from '@wsgi/core/node';
import { mountGateway } from '@wsgi/http';
import { expect, it, onTestFinished } from 'vitest';
import { stopClock } from '../clock.ts';

const request = new AsyncLocalStorage<string>();

/** A connection to a server that runs each request in a context of its own, named by its target. */
async function dial(app: Application, seen: string[]): Promise<Socket> {
  const gateway = mountGateway(app);
  const server = createServer((incoming, response) => {
    const { url = '' } = incoming;
    request.run(url, () => {
      const end = response.end.bind(response) as (...args: unknown[]) => typeof response;
      response.end = (...args: unknown[]) => {
        seen.push(`end of ${url} in ${request.getStore()}`);
        return end(...args);
      };
      gateway(incoming, response);
    });
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  return socket;
}

const quick: Application = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return [Buffer.from('small')];
};

it('answers that leave in one turn each end in their own', async () => {
  const seen: string[] = [];
  const socket = await dial(quick, seen);
  stopClock();
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n`;
  // The first answer is never held.
  socket.write(`${get('/0')}\r\n${get('/1')}\r\n${get('/2')}Connection: close\r\n\r\n`);
  await text(socket);
  expect(seen).toEqual(['end of /0 in /0', 'end of /1 in /1', 'end of /2 in /2']);
});

it('whoever holds answers sends them in the context in which it began to hold', async () => {
  const seen: unknown[] = [];
  const now = performance.now();
  // The first is never held.
  mayHold(new HolderInContext({ sendHeld: () => {} }), now);
  const sent = ['/1', '/2'].map((url) => {
    return new Promise<void>((resolve) => {
      const sendHeld = (): void => {
        seen.push(`${url} in ${request.getStore()}`);
        resolve();
      };
      request.run(url, () => mayHold(new HolderInContext({ sendHeld }), now));
    });
  });
  await Promise.all(sent);
  expect(seen).toEqual(['/1 in /1', '/2 in /2']);
});

it('an answer that waits for an unread body ends in its own', async () => {
  const seen: string[] = [];
  const socket = await dial((environ, startResponse) => {
    setImmediate(() => socket.write('body'));
    return quick(environ, startResponse);
  }, seen);
  socket.write('PUT /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\n');
  await text(socket);
  expect(seen).toEqual(['end of /1 in /1']);
});

it('the body of a client that leaves is closed in its own', async () => {
  const seen: string[] = [];
  const socket = await dial((environ, startResponse) => {
    startResponse('200 OK', []);
    const see = (what: string): void => void seen.push(`${what} in ${request.getStore()}`);
    environ['gateway.signal']().addEventListener('abort', () => see('abort'));
    const body = (async function* () {
      try {
        for (;;) yield Buffer.alloc(100_000);
      } finally {
        see('finally');
      }
    })();
    return Object.assign(body, { close: () => see('close') });
  }, seen);
  socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
  await expect.poll(() => seen.length).toBe(3);
  expect(seen.sort()).toEqual(['abort in /1', 'close in /1', 'finally in /1']);
});
