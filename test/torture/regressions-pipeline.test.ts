/** What a response that fails may cost a client of HTTP/1 that pipelines: itself, and those behind it. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Application } from '@wsgi/core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ClientResponse } from '../hosts/client/index.ts';
import { Recorder } from '../hosts/client/recorder.ts';
import { ResponseParser } from '../hosts/client/response-parser.ts';
import { dial } from './dial.ts';
import { cutsAhead, playedHosts } from './hosts.ts';

/** More than what a client that does not read is sent, and less than what the system holds for it. */
const SIZE = 512 * 1024;

/** Takes responses slowly, until the connection ends. */
async function receive(socket: Socket, count: number): Promise<ClientResponse[]> {
  const recorders = Array.from({ length: count }, () => new Recorder());
  let answered = 0;
  const current = (): Recorder => {
    const recorder = recorders[answered];
    if (recorder === undefined) throw new Error('bytes after the last response');
    return recorder;
  };
  const parser = new ResponseParser({
    isHead: () => false,
    onInformational: () => {},
    onHead: (head) => current().onHead(head),
    onData: (chunk) => current().onData(chunk),
    onEnd: (complete) => {
      current().onEnd(complete);
      answered += 1;
    },
  });
  socket.on('data', (chunk: Buffer) => {
    parser.feed(chunk);
    socket.pause();
    setImmediate(() => socket.resume());
  });
  socket.resume();
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  for (const recorder of recorders) recorder.onEnd(false);
  return Promise.all(recorders.map(({ response }) => response));
}

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Answers `/?whole` with {@link SIZE} bytes; what else it answers fails within its body. */
function failing(onFailure: () => void = () => {}): Application {
  return async function* (environ, startResponse) {
    startResponse('200 OK', [['Content-Length', String(SIZE)]]);
    if (environ.QUERY_STRING === 'whole') {
      yield Buffer.alloc(SIZE);
      return;
    }
    yield Buffer.from('a part');
    onFailure();
    throw new Error('planned');
  };
}

const serial = playedHosts.filter(({ name }) => !/http2|HTTP\/2/.test(name));

describe.each(serial.filter((host) => !cutsAhead.has(host)))('$name', (host) => {
  it('a response that fails costs a client that pipelines no whole answer before it', async () => {
    let fail = (): void => {};
    const failed = new Promise<void>((resolve) => {
      fail = resolve;
    });
    const socket = await dial(host, failing(fail));
    socket.pause();
    socket.write(get('/?whole'));
    // More of a body than anybody takes in ahead.
    socket.write('PUT /?fails HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n');
    const sent = new Promise((resolve) => socket.write(Buffer.alloc(8_000_000), resolve));
    await failed;
    const [whole, cut] = await receive(socket, 2);
    expect(whole?.complete).toBe(true);
    expect(whole?.body.length).toBe(SIZE);
    expect(cut?.complete).toBe(false);
    expect(await sent, 'it can send the rest of its request').toBeFalsy();
  });

  it('requests that come behind a response that failed reach no application', async () => {
    const served: unknown[] = [];
    const app = failing();
    const socket = await dial(host, (environ, startResponse) => {
      served.push(environ.QUERY_STRING);
      return app(environ, startResponse);
    });
    const closed = once(socket, 'close');
    socket.write(get('/?fails'));
    await once(socket, 'end');
    socket.write(get('/?late'));
    socket.end(get('/?later'));
    await closed;
    expect(served).toEqual(['fails']);
  });

  it('a client is not read for ever behind a response that failed', async () => {
    const socket = await dial(host, failing());
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write('PUT /?fails HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
    let sent = 0;
    while (!socket.destroyed && sent < 200_000_000) {
      sent += chunk.length;
      await Promise.race([new Promise((resolve) => socket.write(chunk, resolve)), closed]);
    }
    expect(sent).toBeLessThan(60_000_000);
  });
});

describe.each(serial.filter(({ name }) => /node|Fastify|Koa/.test(name)))('$name', (host) => {
  it('a client that goes on behind a response that failed is waited for no longer than 5 seconds', async () => {
    const socket = await dial(host, failing());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write(get('/?fails'));
    await once(socket, 'end');
    vi.advanceTimersByTime(5_000);
    // Whether the server has closed, a write tells.
    const timer = setInterval(() => socket.write('x'), 5);
    onTestFinished(() => clearInterval(timer));
    await closed;
  });

  it('nothing waits for a client that has gone behind a response that failed', async () => {
    const socket = await dial(host, failing());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    socket.write(get('/?fails'));
    await once(socket, 'end');
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    socket.destroy();
    while (vi.getTimerCount() > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
