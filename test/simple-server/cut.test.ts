/** What tells a client of HTTP/1.0 that an answer was cut: an orderly end would pass it for whole (RFC 9112 section 6.3). */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Application } from '@wsgi/core';
import type { ServerOptions, WSGIServer } from '@wsgi/simple-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exchange, serve } from './support.ts';

/** A server, and a client that has asked it in HTTP/1.0 and has got its first bytes. */
async function ask(app: Application, options?: ServerOptions): Promise<[WSGIServer, Socket]> {
  const server = await serve(app, options);
  const socket = connect({ port: server.port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.0\r\n\r\n');
  await once(socket, 'data');
  return [server, socket];
}

/** Whether the connection ended with a reset. Node shows one that comes with data as an end; a write then fails. */
async function wasReset(socket: Socket): Promise<boolean> {
  socket.resume();
  if (!socket.destroyed && !socket.readableEnded)
    await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  if (socket.destroyed) return socket.errored !== null;
  return new Promise((resolve) => socket.write('\n', (error) => resolve(error != null)));
}

const half: Application = async function* (_environ, startResponse) {
  startResponse('200 OK', []);
  yield Buffer.from('the first half');
  await new Promise(() => {});
};

it('a server that closes resets what it has not answered whole', async () => {
  const [server, socket] = await ask(half);
  await server.close();
  expect(await wasReset(socket)).toBe(true);
});

it('a server that shuts down resets what it has not answered whole in time', async () => {
  const [server, socket] = await ask(half);
  await server.shutdown(10);
  expect(await wasReset(socket)).toBe(true);
});

it('a client that is too slow is reset over an answer that has not left', async () => {
  const [server, socket] = await ask(
    (_environ, startResponse) => {
      startResponse('200 OK', [])(Buffer.alloc(20_000_000));
      return [];
    },
    { timeout: 100 },
  );
  socket.pause();
  // It does so when the last connection has gone.
  await server.shutdown(60_000);
  expect(await wasReset(socket)).toBe(true);
});

it('a server that closes ends an answer that has left whole in order', async () => {
  const [server, socket] = await ask((_environ, startResponse) => {
    startResponse('200 OK', [])(Buffer.from('all of it'));
    return [];
  });
  await server.close();
  expect(await wasReset(socket)).toBe(false);
});

describe('an answer that is whole while its body closes', () => {
  /** Gives an answer, and closes its body only when it is let. */
  function slowToClose(): [Application, release: () => void] {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    onTestFinished(release);
    function* body(): Generator<Buffer> {
      yield Buffer.from('all');
      yield Buffer.from(' of it');
    }
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return Object.assign(body(), { close: () => released });
    };
    return [app, release];
  }

  it.each(['HTTP/1.0', 'HTTP/1.1'])('ends with its connection at once for %s', async (version) => {
    const [app] = slowToClose();
    const ask = `GET / ${version}\r\nHost: a\r\nConnection: close\r\n\r\n`;
    expect(await exchange(await serve(app), ask)).toContain('all');
  });

  it('is not cut off when the client closes its side meanwhile', async () => {
    const [app, release] = slowToClose();
    const [, socket] = await ask(app);
    socket.end();
    expect(await wasReset(socket)).toBe(false);
    release();
  });

  it('is not cut off when the server closes meanwhile', async () => {
    const [app] = slowToClose();
    const [server, socket] = await ask(app);
    await server.close();
    expect(await wasReset(socket)).toBe(false);
  });
});

it('an answer is reset though a whole one went before it on its connection', async () => {
  const server = await serve((environ, startResponse) => {
    if (environ.PATH_INFO === '/half') return half(environ, startResponse);
    startResponse('200 OK', []);
    return [Buffer.from('whole')];
  });
  const socket = connect({ port: server.port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  await once(socket, 'data');
  socket.write('GET /half HTTP/1.0\r\n\r\n');
  await once(socket, 'data');
  await server.close();
  expect(await wasReset(socket)).toBe(true);
});
