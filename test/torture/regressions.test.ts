/** Defects that the torture has found, each by the behaviour that was wrong. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Application, type Environ, type ErrorStream, TextErrors } from '@wsgi/core';
import { ClientDisconnectedError } from '@wsgi/core/handlers';
import { mountGateway } from '@wsgi/http';
import { makeServer, type WSGIServer } from '@wsgi/simple-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { selfSigned } from '../hosts/certificate.ts';
import { connect as connectClient } from '../hosts/client/index.ts';
import { dial, resetsUpload, wasReset } from './dial.ts';
import { playedHosts as hosts } from './hosts.ts';

const parallel = hosts.filter(({ name }) => /http2|HTTP\/2/.test(name));

describe.each(parallel)('$name', (host) => {
  it('takes in the body of a HEAD request that fails, so that its client comes to an end', async () => {
    const served = await host.serve(async () => {
      throw new Error('planned');
    }, {});
    onTestFinished(() => served.close());
    const connection = await connectClient(served);
    onTestFinished(() => connection.close());
    // More than the stream's window: it ends when somebody takes it in.
    const body = Buffer.alloc(100_000);
    const { response } = connection.start({ method: 'HEAD', body });
    expect((await response).status).toBe(500);
  });
});

describe.each(parallel)('$name', (host) => {
  /** What an application sees of a HEAD request whose client resets it within its body. */
  async function resetHead(app: (environ: Environ) => Promise<void>): Promise<void> {
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    let seen = Promise.resolve();
    const served = await host.serve(async (environ, startResponse) => {
      startResponse('200 OK', []);
      seen = app(environ);
      begin();
      await seen;
      return [];
    }, {});
    onTestFinished(() => served.close());
    const connection = await connectClient(served);
    onTestFinished(() => connection.close());
    const exchange = connection.start({ method: 'HEAD', upload: 'unsized' });
    await exchange.send('a part');
    await begun;
    exchange.abort();
    await seen;
  }

  it('tells an application that answers HEAD of a client that leaves', async () => {
    await resetHead(async (environ) => {
      const signal = environ['gateway.signal']();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
  });

  it('does not take the part of a body that came with HEAD for the whole', async () => {
    let reading: Promise<Uint8Array> | undefined;
    await resetHead(async (environ) => {
      reading = environ['wsgi.input'].read();
      await reading.catch(() => {});
    });
    await expect(reading).rejects.toThrow(/before its body was whole/);
  });
});

describe.each(hosts)('$name', (host) => {
  it('lets an application read its request behind the last byte of its answer', async () => {
    let input = '';
    const served = await host.serve(async function* (environ, startResponse) {
      startResponse('200 OK', [
        ['Content-Type', 'text/plain'],
        ['Content-Length', '2'],
      ]);
      yield Buffer.from('ok');
      input = Buffer.from(await environ['wsgi.input'].read()).toString();
    }, {});
    onTestFinished(() => served.close());
    const connection = await connectClient(served);
    onTestFinished(() => connection.close());
    const exchange = connection.start({ method: 'POST', upload: 'unsized' });
    await exchange.send('before it, ');
    await exchange.head;
    await exchange.send('behind it');
    exchange.finish();
    expect((await exchange.response).text).toBe('ok');
    await expect.poll(() => input).toBe('before it, behind it');
    expect(served.reported()).toBe('');
  });

  it('reports nothing of an application that begins its answer when its client has gone', async () => {
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    let over = false;
    const served = await host.serve(async function* (environ, startResponse) {
      const signal = environ['gateway.signal']();
      begin();
      try {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        for (let turn = 0; turn < 5; turn += 1)
          await new Promise((resolve) => setImmediate(resolve));
        startResponse('200 OK', []);
        yield Buffer.from('to nobody');
      } finally {
        over = true;
      }
    }, {});
    onTestFinished(() => served.close());
    const connection = await connectClient(served);
    const exchange = connection.start();
    await begun;
    connection.close();
    await expect.poll(() => over).toBe(true);
    await exchange.response;
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(served.reported()).toBe('');
  });

  it('takes it for an error like any other that the client of another request has gone', async () => {
    const served = await host.serve(async function* (environ, startResponse) {
      startResponse('200 OK', [['Content-Length', '100']]);
      if (environ.QUERY_STRING === 'begun') yield Buffer.from('a part');
      throw new Error('a shared query failed', { cause: new ClientDisconnectedError() });
    }, {});
    onTestFinished(() => served.close());
    const connection = await connectClient(served);
    onTestFinished(() => connection.close());
    expect((await connection.start({ target: '/?unbegun' }).response).status).toBe(500);
    const { response } = connection.start({ target: '/?begun' });
    expect((await response).complete).toBe(false);
    expect(served.reported().match(/^Error: a shared query failed/gm)).toHaveLength(2);
  });

  it('reports nothing of an application that reads while its client goes', async () => {
    let over = false;
    const served = await host.serve(async function* (environ, startResponse) {
      startResponse('200 OK', []);
      try {
        yield Buffer.from('a part');
        await environ['wsgi.input'].read();
      } finally {
        over = true;
      }
    }, {});
    onTestFinished(() => served.close());
    const connection = await connectClient(served);
    const exchange = connection.start({ method: 'POST', upload: 'unsized' });
    await exchange.send('a part');
    await exchange.until('a part');
    connection.close();
    await expect.poll(() => over).toBe(true);
    await exchange.response;
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(served.reported()).toBe('');
  });
});

/** More than the 64 KiB that servers take in ahead, by what they read at once. */
const [most, rest] = [60_000, 10_000];
const size = most + rest;

/** An application that does a task and then waits for its client to leave; and what it has come to. */
function waiter(task: (environ: Environ) => Promise<unknown>): {
  app: Application;
  begun: Promise<void>;
  sawClientLeave: () => boolean;
} {
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let gone = false;
  const app: Application = async (environ, startResponse) => {
    startResponse('200 OK', []);
    await task(environ);
    const signal = environ['gateway.signal']();
    begin();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    gone = true;
    return [];
  };
  return { app, begun, sawClientLeave: () => gone };
}

const serial = hosts.filter(({ name }) => !/http2|HTTP\/2/.test(name));

describe.each(serial)('$name', (host) => {
  it('tells an application that waits of a client that leaves, though it had sent ahead', async () => {
    const { app, begun, sawClientLeave } = waiter(async () => {});
    const socket = await dial(host, app);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await begun;
    for (let piece = 0; piece < 3; piece += 1) {
      socket.write('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.destroy();
    await expect.poll(sawClientLeave, { timeout: 15_000 }).toBe(true);
  });

  it.each([
    ['all that came', (environ: Environ) => environ['wsgi.input'].read()],
    ['as much as it was told', (environ: Environ) => environ['wsgi.input'].read(size)],
    ['most of it', (environ: Environ) => environ['wsgi.input'].read(size - 1000)],
  ])(
    'tells an application that reads %s, late, of a client that leaves then',
    async (_what, read) => {
      const { app, begun, sawClientLeave } = waiter(async (environ) => {
        // Time for all to come, which is more than a server takes in that nobody has asked for.
        await new Promise((resolve) => setTimeout(resolve, 100));
        await read(environ);
      });
      const socket = await dial(host, app);
      // Each of them is read by itself.
      const head = `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`;
      for (const part of [head, Buffer.alloc(most), Buffer.alloc(rest)]) {
        socket.write(part);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      await begun;
      if ('resetAndDestroy' in socket && !('encrypted' in socket)) socket.resetAndDestroy();
      else socket.destroy();
      await expect.poll(sawClientLeave, { timeout: 5_000 }).toBe(true);
    },
  );
});

const plain = serial.filter(({ name }) => !/TLS|https/.test(name));

describe.each(plain)('$name', (host) => {
  it('resets the connection when an answer to HTTP/1.0 is cut, which an orderly end would pass for whole', async () => {
    const socket = await dial(host, async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('the first half');
      throw new Error('planned');
    });
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await wasReset(socket)).toBe(true);
  });

  it('resets the connection of a client of HTTP/1.0 that closes its side before the answer is whole', async () => {
    const socket = await dial(host, async function* (environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('the first half');
      const signal = environ['gateway.signal']();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield Buffer.from('the second half');
    });
    const reset = wasReset(socket);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    await once(socket, 'data');
    socket.end();
    expect(await reset).toBe(true);
  });

  it('takes in an unread body before it closes behind an empty answer, which a reset could cost the client', async () => {
    const socket = await dial(host, (_environ, startResponse) => {
      startResponse('200 OK', []);
      return [];
    });
    expect(await resetsUpload(socket)).toBe(false);
  });

  it('takes in an unread body before it closes behind the answer to an error', async () => {
    const socket = await dial(host, async () => {
      throw new Error('planned');
    });
    expect(await resetsUpload(socket)).toBe(false);
  });

  it('ends an answer to HTTP/1.0 of unknown length in order when it is whole', async () => {
    const socket = await dial(host, async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('all of it');
    });
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await wasReset(socket)).toBe(false);
  });

  it('closes the bodies of a pipeline whose connection goes while they wait for their turn', async () => {
    const begun: string[] = [];
    const closed: string[] = [];
    const socket = await dial(host, (environ, startResponse) => {
      const name = environ.QUERY_STRING ?? '';
      begun.push(name);
      startResponse('200 OK', []);
      const body = (async function* () {
        // Past every buffer, so that it waits for room.
        for (let chunk = 0; chunk < 100; chunk += 1) yield Buffer.alloc(100_000);
        if (name === '0') socket.destroy();
        await new Promise(() => {});
      })();
      return Object.assign(body, { close: () => void closed.push(name) });
    });
    const requests = Array.from({ length: 15 }, (_, i) => `GET /?${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
    socket.write(requests.join(''));
    await expect.poll(() => closed.length, { timeout: 15_000 }).toBeGreaterThan(0);
    await expect.poll(() => [...closed].sort(), { timeout: 15_000 }).toEqual([...begun].sort());
  });
});

describe('simple-server over TLS', () => {
  const app: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return [];
  };

  async function handshake(): Promise<{ server: WSGIServer; socket: Socket }> {
    const server = await makeServer('127.0.0.1', 0, app, { tls: selfSigned(), log: false });
    onTestFinished(() => server.close());
    const socket = connect({ port: server.port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {}).resume();
    await once(socket, 'connect');
    return { server, socket };
  }

  it('lets go of a client that ends within the handshake', async () => {
    const { socket } = await handshake();
    // The head of a record, and nothing in it.
    socket.end(Buffer.from('160301', 'hex'));
    await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  });

  it('does not wait for handshakes when it closes', async () => {
    const { server, socket } = await handshake();
    socket.write(Buffer.from('160301', 'hex'));
    await new Promise((resolve) => setImmediate(resolve));
    await server.close();
  });

  it('does not wait for a client that has sent nothing when it shuts down', async () => {
    const { server } = await handshake();
    await server.shutdown(60_000);
  });
});

/** Such a socket cannot be reset: the reverse proxy that speaks HTTP/1.0 over it takes what it got. */
describe('an answer that fails on a Unix socket', () => {
  type Listen = (path: string, app: Application, errors: ErrorStream) => Promise<unknown>;

  /** The errors that are reported. */
  async function fail(listen: Listen): Promise<string[] | null> {
    const folder = await mkdtemp(join(tmpdir(), 'wsgi-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'socket');
    const app: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('the first half');
      throw new Error('planned');
    };
    let reported = '';
    const errors = new TextErrors((text) => {
      reported += text;
    });
    await listen(path, app, errors);
    const socket = connect({ path });
    onTestFinished(() => void socket.destroy());
    socket.resume().write('GET / HTTP/1.0\r\n\r\n');
    await once(socket, 'close');
    return reported.match(/^\w*Error: .*/gm);
  }

  it('ends in simple-server, and is reported once', async () => {
    const reported = await fail(async (path, app, errors) => {
      const server = await makeServer(path, 0, app, { log: false, errors });
      onTestFinished(() => server.close());
    });
    expect(reported).toEqual(['Error: planned']);
  });

  it('ends in node:http, and is reported once', async () => {
    const reported = await fail((path, app, errors) => {
      const server = createServer(mountGateway(app, { errors })).listen(path);
      onTestFinished(() => void server.close());
      return once(server, 'listening');
    });
    expect(reported).toEqual(['Error: planned']);
  });
});
