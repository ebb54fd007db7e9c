/** SPEC.md, section 4, rule 9: small answers that are given in one turn of the event loop are sent at its end. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, request as secureRequest } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Application } from '@wsgi/core';
import { HolderInContext, mayHold, NodeHandler } from '@wsgi/core/node';
import { expect, it, onTestFinished, vi } from 'vitest';
import { stopClock } from '../clock.ts';
import { selfSigned } from '../hosts/certificate.ts';

const quick: Application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(`for ${environ.PATH_INFO}`)];
};

async function listen(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** Whether each of three responses had been ended when its application had just run, and what the client got. */
async function serveThree(app: Application, init?: RequestInit): Promise<[boolean[], string[]]> {
  const ended: boolean[] = [];
  const server = createServer((request, response) => {
    new NodeHandler(request, response).run(app);
    ended.push(response.writableEnded);
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  stopClock();
  const bodies: string[] = [];
  for (const path of ['/1', '/2', '/3']) {
    bodies.push(await (await fetch(url + path, { ...init, keepalive: false })).text());
  }
  return [ended, bodies];
}

it('holds small answers until the turn ends, but for the first', async () => {
  const [ended, bodies] = await serveThree(quick);
  expect(ended).toEqual([true, false, false]);
  expect(bodies).toEqual(['for /1', 'for /2', 'for /3']);
});

it('sends what it holds although a test has put its own timers in place', async () => {
  vi.useFakeTimers({ toFake: ['setImmediate', 'setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const [ended, bodies] = await serveThree(quick);
  expect(ended).toEqual([true, false, false]);
  expect(bodies).toEqual(['for /1', 'for /2', 'for /3']);
});

it('holds no answer where applications take their time', async () => {
  const ended: boolean[] = [];
  const server = createServer((request, response) => {
    new NodeHandler(request, response).run((environ, startResponse) => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      return quick(environ, startResponse);
    });
    ended.push(response.writableEnded);
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  await Promise.all(['/1', '/2', '/3'].map((path) => fetch(url + path)));
  expect(ended).toEqual([true, true, true]);
});

it('sends what others hold at once when an application takes its time', () => {
  const sent: string[] = [];
  const answer = (name: string, at: number): boolean =>
    mayHold(new HolderInContext({ sendHeld: () => void sent.push(name) }), at);
  const now = performance.now();
  expect(['first', 'quick', 'quick too'].map((name) => answer(name, now))).toEqual([
    false,
    true,
    true,
  ]);
  expect(sent).toEqual([]);
  expect(answer('slow', now + 1)).toBe(false);
  expect(sent).toEqual(['quick', 'quick too']);
});

it.each<[what: string, app: Application, init: RequestInit | undefined]>([
  [
    'a large body',
    (_environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.alloc(5000, 'x')];
    },
    undefined,
  ],
  [
    'a body of unknown length',
    function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('some');
      yield Buffer.from('more');
    },
    undefined,
  ],
  ['an answer to a request that was not read', quick, { method: 'POST', body: 'x'.repeat(100) }],
])('does not hold %s', async (_what, app, init) => {
  const [ended] = await serveThree(app, init);
  expect(ended).toEqual([true, true, true]);
});

it('does not hold answers over TLS', async () => {
  const ended: boolean[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    new NodeHandler(request, response).run(quick);
    ended.push(response.writableEnded);
  };
  const port = await listen(createSecureServer(selfSigned(), handle));
  stopClock();
  for (const path of ['/1', '/2', '/3']) {
    const request = secureRequest({ port, path, host: '127.0.0.1', rejectUnauthorized: false });
    const [response] = await once(request.end(), 'response');
    expect(await text(response)).toBe(`for ${path}`);
  }
  expect(ended).toEqual([true, true, true]);
});

it('sends what the application gave, though it has written over that since', async () => {
  const [, bodies] = await serveThree((environ, startResponse) => {
    startResponse('200 OK', []);
    const chunk = Buffer.from(`for ${environ.PATH_INFO}`);
    return Object.assign([chunk], { close: () => void chunk.fill('!') });
  });
  expect(bodies).toEqual(['for /1', 'for /2', 'for /3']);
});

it('sends each of many answers of a turn to its own client', async () => {
  const server = createServer((request, response) => {
    new NodeHandler(request, response).run(quick);
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  stopClock();
  const paths = Array.from({ length: 50 }, (_, index) => `/${index}`);
  const bodies = await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()));
  expect(bodies).toEqual(paths.map((path) => `for ${path}`));
});
