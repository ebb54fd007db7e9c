import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { inspect } from 'node:util';
import { type Application, TextErrors } from '@wsgi/core';
import { defaultLimits, makeServer } from '@wsgi/simple-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stopClock } from '../clock.ts';
import { selfSigned } from '../hosts/certificate.ts';
import { dial, echo, echoBody, exchange, serve, statuses } from './support.ts';

const get = 'GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** Sends a piece of text every so often, as slow attackers do, until the server has closed. */
function drip(client: Awaited<ReturnType<typeof dial>>, text: string): void {
  const timer = setInterval(() => client.socket.write(text, 'latin1'), 10);
  client.socket.on('close', () => clearInterval(timer)).on('end', () => clearInterval(timer));
}

/** The server reads, in a turn of the event loop or two, what its clients have sent. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a slow client is cut off, and others are served:', () => {
  it('one that never ends its head, with 408', async () => {
    const server = await serve(echo, { headersTimeout: 100 });
    const start = stopClock();
    const client = await dial(server);
    drip(client.send('GET / HTTP/1.1\r\nHost: a\r\n'), 'X: y\r\n');
    await turns();
    start();
    expect(statuses(await client.untilClosed())).toEqual([408]);
    stopClock();
    expect(statuses(await exchange(server, get))).toEqual([200]);
  });

  it('one that never ends its head, where a limit is set for the whole request alone', async () => {
    const server = await serve(echo, { headersTimeout: 0, requestTimeout: 100 });
    const start = stopClock();
    const client = (await dial(server)).send('GET / HTTP/1.1\r\nHost: a\r\n');
    await turns();
    start();
    expect(statuses(await client.untilClosed())).toEqual([408]);
    expect(await (await dial(server)).untilClosed()).toBe('');
  });

  it('one that never begins', async () => {
    const client = await dial(await serve(echo, { headersTimeout: 100 }));
    expect(await client.untilClosed()).toBe('');
  });

  it('one that never ends its body, with 408', async () => {
    const server = await serve(echoBody, { requestTimeout: 100 });
    const start = stopClock();
    const client = await dial(server);
    drip(client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n'), 'x');
    await turns();
    start();
    expect(statuses(await client.untilClosed())).toEqual([408]);
    stopClock();
    expect(statuses(await exchange(server, get))).toEqual([200]);
  });

  it('one that sends empty lines instead of its next request', async () => {
    const start = stopClock();
    const client = await dial(await serve(echo, { keepAliveTimeout: 100, headersTimeout: 100 }));
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').until(/GET \/$/);
    start();
    drip(client, '\r\n');
    expect(statuses(await client.untilClosed())).toEqual([200]);
  });

  it('one that is idle, without a word', async () => {
    const client = await dial(await serve(echo, { keepAliveTimeout: 100 }));
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').untilClosed();
    expect(statuses(client.text)).toEqual([200]);
  });

  it('one that never reads, and its memory stays flat', async () => {
    let handed = 0;
    const ended = new Promise<void>((resolve) => {
      serve(
        (_environ, startResponse) => {
          startResponse('200 OK', []);
          const block = Buffer.alloc(65536);
          function* forever() {
            for (;;) {
              handed += block.length;
              yield block;
            }
          }
          return Object.assign(forever(), { close: resolve });
        },
        { timeout: 150 },
      ).then(async (server) => {
        const client = await dial(server);
        client.socket.pause();
        client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      });
    });
    await ended;
    // What the kernel's buffers take, and no more.
    expect(handed).toBeLessThan(20_000_000);
  });

  it('one that never reads over TLS', async () => {
    const ended = new Promise<void>((resolve) => {
      const app: Application = (_environ, startResponse) => {
        startResponse('200 OK', []);
        function* forever() {
          for (;;) yield Buffer.alloc(65536);
        }
        return Object.assign(forever(), { close: resolve });
      };
      serve(app, { timeout: 150, tls: selfSigned() }).then(({ port }) => {
        const socket = connect({ port, rejectUnauthorized: false }, () => {
          socket.pause().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        });
        socket.on('error', () => {});
        onTestFinished(() => void socket.destroy());
      });
    });
    await ended;
  });

  it('one that never reads what there is of an answer that failed', async () => {
    const server = await serve(
      (_environ, startResponse) => {
        const write = startResponse('200 OK', []);
        write(Buffer.alloc(20_000_000));
        throw new Error('planned');
      },
      { timeout: 150, errors: new TextErrors(() => {}) },
    );
    const client = await dial(server);
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await server.handleRequest();
    // It does so when the last connection has gone.
    await server.shutdown(60_000);
  });

  it('one that pipelines without reading', async () => {
    let served = 0;
    const server = await serve(
      (_environ, startResponse) => {
        served++;
        startResponse('200 OK', []);
        return [Buffer.alloc(65536)];
      },
      { timeout: 150 },
    );
    const client = await dial(server);
    client.socket.pause();
    const closed = new Promise((resolve) =>
      client.socket.on('error', resolve).on('close', resolve),
    );
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10_000));
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1000))]);
    expect(served).toBeLessThan(1000);
  });
});

it('an application may take longer than a client may', async () => {
  const limits = { headersTimeout: 50, requestTimeout: 50, keepAliveTimeout: 50, timeout: 50 };
  const start = stopClock();
  const server = await serve(async (environ, startResponse) => {
    start();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return echoBody(environ, startResponse);
  }, limits);
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';
  expect(await exchange(server, post)).toMatch(/200 OK[\s\S]*ok$/);
});

it('an application may take its time between chunks, also after one that the client was waited for', async () => {
  const size = 4_000_000;
  const app: Application = async function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield Buffer.alloc(size, 'x');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    yield Buffer.from('the end');
  };
  const server = await serve(app, { timeout: 500 });
  const answer = await exchange(server, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(answer.length).toBeGreaterThan(size);
  expect(answer).toMatch(/the end\r\n0\r\n\r\n$/);
});

it('a slow reader of a long response is not cut off while it reads', async () => {
  const limits = { keepAliveTimeout: 50, timeout: 2000 };
  const length = 3_000_000;
  const server = await serve((_environ, startResponse) => {
    startResponse('200 OK', []);
    return [Buffer.alloc(length, 'x')];
  }, limits);
  const client = await dial(server);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const timer = setInterval(() => {
    client.socket.resume();
    setTimeout(() => client.socket.pause(), 5);
  }, 8);
  await client.untilClosed();
  clearInterval(timer);
  expect(client.text.length).toBeGreaterThan(length);
});

it('a slow reader of one large chunk over TLS is not cut off while it reads', async () => {
  const body = Buffer.alloc(48_000_000);
  const app: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return [body];
  };
  const { port } = await serve(app, { timeout: 1500, tls: selfSigned() });
  const socket = connect({ port, rejectUnauthorized: false }, () => socket.write(get));
  onTestFinished(() => void socket.destroy());
  // By the clock and not by the packet, or a busy machine would be slower than any limit: for the system tells the
  // server of what has left in lumps of a megabyte and more.
  const began = Date.now();
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    const early = received / 10_000 - (Date.now() - began);
    if (early < 1) return;
    socket.pause();
    setTimeout(() => socket.resume(), early);
  });
  await once(socket, 'close');
  expect(received).toBeGreaterThan(body.length);
});

it('a connection ends after maxRequestsPerSocket, and says so', async () => {
  const client = await dial(await serve(echo, { maxRequestsPerSocket: 2 }));
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
  const text = await client.untilClosed();
  expect(statuses(text)).toEqual([200, 200]);
  expect(text.match(/Connection: close/g)).toHaveLength(1);
});

it('a connection serves any number of requests where maxRequestsPerSocket is 0', async () => {
  const client = await dial(await serve(echo, { maxRequestsPerSocket: 0 }));
  const text = await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2) + get).untilClosed();
  expect(statuses(text)).toEqual([200, 200, 200]);
});

it('connections past maxConnections are dropped', async () => {
  const server = await serve(echo, { maxConnections: 1 });
  const first = await dial(server);
  await first.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').until(/GET \/$/);
  const second = await dial(server);
  expect(await second.send(get).untilClosed()).toBe('');
});

it('an endless body that nobody reads is not taken in for ever', async () => {
  const client = await dial(await serve(echo));
  client.socket.on('error', () => {});
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  await client.until(/POST \/$/);
  const chunk = `10000\r\n${'x'.repeat(65536)}\r\n`;
  let sent = 0;
  while (!client.ended && sent < 200_000_000) {
    sent += chunk.length;
    await new Promise((resolve) => client.socket.write(chunk, 'latin1', resolve));
  }
  expect(client.ended).toBe(true);
  expect(sent).toBeLessThan(60_000_000);
});

it('the limits that nobody sets are those of the README', async () => {
  const path = new URL('../../packages/simple-server/README.md', import.meta.url);
  const readme = await readFile(path, 'utf8');
  for (const [name, value] of Object.entries(defaultLimits)) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}\``));
    const [, number = '', unit] = /([\d,]+)( KiB)? +\|$/.exec(row ?? '') ?? [];
    expect(Number(number.replace(',', '')) * (unit === undefined ? 1 : 1024), name).toBe(value);
  }
});

describe('a limit that makes no sense is refused:', () => {
  it.each([
    ['headersTimeout', -1],
    ['requestTimeout', 1.5],
    ['keepAliveTimeout', Number.NaN],
    ['timeout', '5'],
    ['timeout', [5]],
    ['maxRequestsPerSocket', -1],
    ['maxConnections', Number.POSITIVE_INFINITY],
    ['maxHeaderSize', 0],
    ['maxHeadersCount', 0],
  ])('%s: %o', async (name, value) => {
    const options: object = { [name]: value };
    const least = name.startsWith('maxHeader') ? 1 : 0;
    await expect(makeServer('127.0.0.1', 0, echo, options)).rejects.toThrow(
      new RangeError(`${name} must be a whole number from ${least} on, not ${inspect(value)}`),
    );
  });

  it('maxBodySize: -1', async () => {
    await expect(makeServer('127.0.0.1', 0, echo, { maxBodySize: -1 })).rejects.toThrow(
      /maxBodySize/,
    );
  });

  it('log: a string', async () => {
    const options = { log: 'file' as unknown as false };
    await expect(makeServer('127.0.0.1', 0, echo, options)).rejects.toThrow(/^log must be/);
  });
});
