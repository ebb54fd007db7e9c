import { mkdtemp, rm } from 'node:fs/promises';
import { connect, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Application, TextErrors } from '@wsgi/core';
import { makeServer } from '@wsgi/simple-server';
import { expect, it, onTestFinished, vi } from 'vitest';
import { stopClock } from '../clock.ts';
import { dial, echo, echoBody, RawClient, serve, statuses } from './support.ts';

const get = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const last = (path: string): string => get(path, 'Connection: close\r\n');

const many = 400;

interface Writes {
  /** What each write of the server's sockets held. */
  readonly texts: string[];
  /** The last socket that wrote an answer. */
  socket: Socket | undefined;
}

/** Watches what is written from now on. */
function watchWrites(): Writes {
  const { write } = Socket.prototype;
  const writes: Writes = { texts: [], socket: undefined };
  const spy = vi.spyOn(Socket.prototype, 'write').mockImplementation(function (
    this: Socket,
    ...args: unknown[]
  ) {
    if (String(args[0]).startsWith('HTTP/1.1')) {
      writes.texts.push(String(args[0]));
      writes.socket = this;
    }
    return Reflect.apply(write, this, args);
  });
  onTestFinished(() => spy.mockRestore());
  return writes;
}

it('sends the answers to a pipeline in a few pieces, none of them large', async () => {
  const rest = 'x'.repeat(1000);
  const client = await dial(
    await serve((environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.from(environ.PATH_INFO + rest)];
    }),
  );
  stopClock();
  await client.send(get('/first')).until(/\/firstx{1000}$/);
  client.text = '';
  const writes = watchWrites();
  const paths = Array.from({ length: many }, (_, index) => `/${index}`);
  await client.send(paths.map((path) => get(path)).join('') + last('/end')).untilClosed();
  expect(client.text.match(/\/\w+?(?=x)/g)).toEqual([...paths, '/end']);
  expect(writes.texts.length).toBeLessThan(many / 2);
  expect(Math.max(...writes.texts.map((text) => text.length))).toBeLessThan(20_000);
});

it('does not hold an answer where the application takes its time', async () => {
  const slow: Application = (environ, startResponse) => {
    const until = performance.now() + 1;
    while (performance.now() < until);
    return echo(environ, startResponse);
  };
  const client = await dial(await serve(slow));
  const writes = watchWrites();
  await client.send(get('/1') + get('/2') + get('/3') + last('/4')).untilClosed();
  expect(writes.texts.map((text) => statuses(text))).toEqual([[200], [200], [200], [200]]);
});

it('sends an answer that is whole before it waits for the next one', async () => {
  const never: Application = (environ, startResponse) =>
    environ.PATH_INFO === '/never' ? new Promise(() => {}) : echo(environ, startResponse);
  const client = await dial(await serve(never));
  stopClock();
  await client.send(get('/first') + get('/1') + get('/never')).until(/GET \/1$/);
  expect(statuses(client.text)).toHaveLength(2);
});

it('keeps the answers before one that fails midway', async () => {
  const failing: Application = (environ, startResponse) => {
    if (environ.PATH_INFO !== '/fails') return echo(environ, startResponse);
    startResponse('200 OK', [['Content-Length', '10']]);
    return [Buffer.from('short')];
  };
  const client = await dial(await serve(failing, { errors: new TextErrors(() => {}) }));
  stopClock();
  await client.send(get('/first') + get('/1') + get('/fails')).untilClosed();
  expect(client.text).toContain('GET /1');
});

it('keeps the answers before a request that is refused', async () => {
  const client = await dial(await serve(echo));
  stopClock();
  await client.send(`${get('/first')}${get('/1')}nonsense\r\n\r\n`).untilClosed();
  expect(statuses(client.text)).toEqual([200, 200, 400]);
});

it('sends 100 Continue behind the answers before it', async () => {
  const client = await dial(await serve(echoBody));
  const fields = 'Host: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n';
  stopClock();
  const before = get('/first') + get('/1');
  await client.send(`${before}POST / HTTP/1.1\r\n${fields}\r\n`).until(/100 Continue/);
  await client.send('ok').untilClosed();
  expect(statuses(client.text)).toEqual([200, 200, 100, 200]);
});

it.each(['close', 'shutdown'] as const)('has sent the answer when %s follows it', async (end) => {
  const server = await serve(echo);
  const client = await dial(server);
  stopClock();
  await client.send(get('/first') + get('/1')).until(/GET \/1$/);
  const answered = server.handleRequest();
  const other = (await dial(server)).send(get('/2') + get('/3'));
  await answered;
  await server[end]();
  expect(await other.untilClosed()).toMatch(/GET \/3$/);
});

it('shuts down behind an answer that a slow client has yet to make room for', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'wsgi-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const body = Buffer.alloc(4000, 'x');
  const app: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return [body];
  };
  const writes = watchWrites();
  const isFull = (): boolean => (writes.socket?.writableLength ?? 0) > 0;
  const begin = async (name: string) => {
    // Unlike TCP's, the buffers of a Unix socket always take the same.
    const path = join(directory, name);
    const server = await makeServer(path, 0, app, { log: false });
    onTestFinished(() => server.close());
    const socket = connect(path);
    onTestFinished(() => void socket.destroy());
    const client = new RawClient(socket);
    socket.pause();
    const ask = (): Promise<void> => {
      const answered = server.handleRequest();
      client.send(get('/'));
      return answered;
    };
    return { server, client, ask };
  };
  stopClock();
  const first = await begin('first');
  let count = 0;
  while (!isFull()) {
    await first.ask();
    count++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { server, client, ask } = await begin('second');
  for (let left = count; left > 0; left--) await ask();
  const down = server.shutdown();
  client.socket.resume();
  expect((await client.untilClosed()).match(/x{4000}/g)).toHaveLength(count);
  await down;
});

it('gives a client the time to read its answers, and then no more than any other', async () => {
  const body = Buffer.alloc(4000, 'x');
  const server = await serve(
    (_environ, startResponse) => {
      startResponse('200 OK', []);
      return [body];
    },
    { keepAliveTimeout: 200 },
  );
  const client = await dial(server);
  const writes = watchWrites();
  client.socket.pause();
  const start = stopClock();
  let count = 0;
  const isFull = (): boolean => (writes.socket?.writableLength ?? 0) > 0;
  // Few at a time, so that it is the end of a turn that finds the system's buffers full.
  while (!isFull()) {
    client.send(get('/').repeat(3));
    count += 3;
    writes.texts.length = 0;
    while (!isFull() && statuses(writes.texts.join('')).length < 3) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  start();
  await new Promise((resolve) => setTimeout(resolve, 500));
  client.socket.resume();
  expect((await client.untilClosed()).match(/x{4000}/g)).toHaveLength(count);
});
