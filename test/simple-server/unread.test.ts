/** What becomes of bytes that the application does not read, or not yet. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { WSGIServer } from '@wsgi/simple-server';
import { expect, it, onTestFinished } from 'vitest';
import { stopClock } from '../clock.ts';
import { deferred, eventually, settled } from '../hosts/behaviours/apps.ts';
import { dial, echo, exchange, serve, statuses } from './support.ts';

const MIB = 1024 * 1024;

/** A client that goes on sending when the server has ended its side. */
async function dialOpen(server: WSGIServer): Promise<Socket> {
  const socket = connect({ port: server.port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Sends a text again and again, as far as it is taken, but for no more than `most` bytes; how many that were so far. */
function flood(socket: Socket, text: string, most: number): () => number {
  let sent = 0;
  const send = (): void => {
    if (sent >= most || socket.destroyed) return;
    socket.write(text, 'latin1', (error) => {
      if (error != null) return;
      sent += text.length;
      send();
    });
  };
  send();
  return () => sent;
}

it('a client cannot send ahead without end while its request is at work', async () => {
  const held = deferred();
  const server = await serve(async (environ, startResponse) => {
    if (environ.PATH_INFO === '/held') await held.promise;
    return echo(environ, startResponse);
  });
  const socket = await dialOpen(server);
  socket.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
  const ahead = 'GET /ahead HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2000);
  const taken = await settled(flood(socket, ahead, 200 * MIB));
  expect(taken).toBeLessThan(50 * MIB);
  held.resolve();
});

it('a client cannot send ahead of an application that reads in small pieces', async () => {
  let reads = 0;
  const server = await serve(async (environ, startResponse) => {
    for (; reads < 2000; reads += 1) {
      await environ['wsgi.input'].read(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await deferred().promise;
    return echo(environ, startResponse);
  });
  const socket = await dialOpen(server);
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  const taken = flood(socket, '1\r\nx\r\n'.repeat(10_000), 200 * MIB);
  await eventually(() => reads === 2000);
  expect(await settled(taken)).toBeLessThan(50 * MIB);
});

it('a client that sends on behind an answer that closes the connection is cut off', async () => {
  const socket = await dialOpen(await serve(echo));
  socket.resume();
  socket.write(
    `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${2 ** 40}\r\n\r\n`,
  );
  stopClock();
  const taken = flood(socket, 'x'.repeat(MIB), 1000 * MIB);
  await new Promise((resolve) => socket.once('close', resolve));
  expect(taken()).toBeLessThan(100 * MIB);
});

it('bodies that nobody reads do not add up over a connection', async () => {
  const client = await dial(await serve(echo));
  const body = 'x'.repeat(7 * MIB);
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
  for (const count of [1, 2, 3, 4]) {
    client.send(head + body);
    await client.until(new RegExp(`(POST /[\\s\\S]*){${count}}$`));
  }
  expect(statuses(client.text)).toEqual([200, 200, 200, 200]);
});

it('a body that nobody reads, and that turns out broken, ends its connection', async () => {
  const server = await serve(echo);
  const client = await dial(server);
  // Only what comes in time ends it then.
  stopClock();
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  await client.send(head).until(/POST \/$/);
  expect(statuses(await client.send('5\r\nhello!\r\n').untilClosed())).toEqual([200]);
});

it('an application may answer for a broken body by itself, and nothing follows that', async () => {
  const server = await serve(async (environ, startResponse) => {
    await environ['wsgi.input'].read().catch(() => {});
    return echo(environ, startResponse);
  });
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  const text = await exchange(server, `${head}5\r\nhello!\r\n`);
  expect(statuses(text)).toEqual([200]);
  expect(text).toMatch(/\r\nConnection: close\r\n[\s\S]*POST \/$/);
});

it('a body that comes behind more than may be sent ahead is read', async () => {
  const held = deferred();
  const server = await serve(async (environ, startResponse) => {
    if (environ.PATH_INFO === '/held') await held.promise;
    const body = await environ['wsgi.input'].read();
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [Buffer.from(environ.PATH_INFO), body];
  });
  const client = await dial(server);
  const ahead = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(4000);
  const last = 'POST /last HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n';
  client.send(`GET /held HTTP/1.1\r\nHost: a\r\n\r\n${ahead}${last}`);
  await settled(() => client.socket.writableLength);
  held.resolve();
  while (statuses(client.text).length < 4001)
    await client.until(new RegExp(`^[\\s\\S]{${client.text.length + 1}}`));
  expect(await client.send(' read').until(/\/last read$/)).toMatch(/\/last read$/);
});

it('100 Continue is sent once, though what comes then is no whole chunk yet', async () => {
  const server = await serve(async (environ, startResponse) => {
    const body = await environ['wsgi.input'].read();
    startResponse('200 OK', []);
    return [body];
  });
  const client = await dial(server);
  const head =
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n';
  await client.send(head).until(/100 Continue/);
  client.send('2\r\n');
  await new Promise((resolve) => setTimeout(resolve, 10));
  const text = await client.send('ok\r\n0\r\n\r\n').until(/ok$/);
  expect(statuses(text)).toEqual([100, 200]);
});

it('100 Continue is not sent to a client that has not waited for it, and its connection is kept', async () => {
  const reading = deferred();
  const server = await serve(async (environ, startResponse) => {
    const input = environ['wsgi.input'];
    const first = await input.read(1);
    reading.resolve();
    const rest = await input.read();
    startResponse('200 OK', []);
    return [first, rest];
  });
  const client = await dial(server);
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n';
  client.send(`${head}o`);
  await reading.promise;
  const text = await client.send('k').until(/ok$/);
  expect(statuses(text)).toEqual([200]);
  expect(text).not.toContain('Connection: close');
});

it('100 Continue is not sent within an answer that has begun', async () => {
  const server = await serve(async (environ, startResponse) => {
    const write = startResponse('200 OK', [['Content-Length', '9']]);
    await write(Buffer.from('body'));
    return [await environ['wsgi.input'].read()];
  });
  const client = await dial(server);
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';
  await client.send(head).until(/body$/);
  expect(await client.send(' read').until(/read$/)).not.toContain('100 Continue');
});
