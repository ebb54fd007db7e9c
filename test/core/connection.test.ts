/** What a handler hears of a connection of HTTP/1, and does to it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { type Application, TextErrors } from '@wsgi/core';
import { mountGateway } from '@wsgi/http';
import { expect, it, onTestFinished } from 'vitest';
import { selfSigned } from '../hosts/certificate.ts';
import { dialEndpoint, wasReset } from '../torture/dial.ts';

async function dial(server: Server, secure = false) {
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return dialEndpoint({ port, secure, protocol: 'http1' });
}

it('a client of HTTP/1.0 that closes its side is not reset where a length tells that its answer is cut', async () => {
  const app: Application = async function* (environ, startResponse) {
    startResponse('200 OK', [['Content-Length', '10']]);
    yield Buffer.from('half');
    await once(environ['gateway.signal'](), 'abort');
  };
  const socket = await dial(createServer(mountGateway(app)));
  const reset = wasReset(socket);
  socket.write('GET / HTTP/1.0\r\n\r\n');
  await once(socket, 'data');
  socket.end();
  expect(await reset).toBe(false);
});

it('an answer to HTTP/1.0 over TLS that fails midway is cut, and reported once', async () => {
  const lines: string[] = [];
  const errors = new TextErrors((line) => void lines.push(line));
  const app: Application = async function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield Buffer.from('half');
    throw new Error('planned');
  };
  const server = createSecure(selfSigned(), mountGateway(app, { errors }));
  const socket = await dial(server, true);
  socket.write('GET / HTTP/1.0\r\n\r\n');
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  expect(lines).toEqual([expect.stringMatching(/^Error: planned\n/)]);
});

it.each([
  ['kept by HTTP/1.0', 1, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'],
  ['that a client pipelines on', 20, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
])('a connection %s has no more listeners for more requests', async (_what, atOnce, request) => {
  const counts: number[] = [];
  const app: Application = async (environ, startResponse) => {
    const { socket } = environ['node.request'] as IncomingMessage;
    const count = (): unknown =>
      counts.push(socket.listenerCount('end') + socket.listenerCount('close'));
    count();
    await new Promise((resolve) => setImmediate(resolve));
    count();
    startResponse('200 OK', [['Content-Length', '1']]);
    return [Buffer.from('x')];
  };
  const socket = await dial(createServer(mountGateway(app)));
  let answers = 0;
  socket.on('data', (chunk) => {
    answers += String(chunk).split('HTTP/1.1 200 OK').length - 1;
  });
  for (let sent = 0; sent < 20; sent += atOnce) {
    socket.write(request.repeat(atOnce));
    await expect.poll(() => answers).toBe(sent + atOnce);
  }
  // One for all that wait for their turn.
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(3);
});
