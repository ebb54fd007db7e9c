import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { Agent, request as secureRequest } from 'node:https';
import { connect, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectSecurely, type TlsOptions } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Application, TextErrors } from '@wsgi/core';
import { type BaseEnviron, makeServer, WSGIRequestHandler, WSGIServer } from '@wsgi/simple-server';
import supertest from 'supertest';
import { expect, it, onTestFinished, vi } from 'vitest';
import { selfSigned } from '../hosts/certificate.ts';
import { dial, echo, exchange, serve, statuses } from './support.ts';

it('is what supertest takes', async () => {
  // Its types ask for a net.Server; what it uses is address().
  const server: unknown = await serve(echo);
  await supertest(server as Server)
    .get('/a')
    .expect(200, 'GET /a');
});

it('reports a connection that the system could not hand over, and serves on', async () => {
  const listen = vi.spyOn(Server.prototype, 'listen');
  onTestFinished(() => listen.mockRestore());
  let reported = '';
  const errors = new TextErrors((text) => {
    reported += text;
  });
  const { url } = await serve(echo, { errors });
  const [listener] = listen.mock.contexts;
  // What Node does when accept() fails: no test can make the system run out of memory.
  if (!(listener instanceof Server)) expect.unreachable('nothing listens');
  listener.emit('error', new Error('accept ENOMEM'));
  expect(reported).toBe('a connection was not accepted: accept ENOMEM\n');
  expect(await (await fetch(url)).text()).toBe('GET /');
});

it('serves on where what it has to report cannot be written, and warns of it', async () => {
  const listen = vi.spyOn(Server.prototype, 'listen');
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  onTestFinished(() => {
    listen.mockRestore();
    warn.mockRestore();
  });
  let made = 0;
  class FailsAtFirst extends WSGIRequestHandler {
    constructor(...args: ConstructorParameters<typeof WSGIRequestHandler>) {
      super(...args);
      if (made++ === 0) throw new Error('planned');
    }
  }
  const errors = new TextErrors(() => {
    throw new Error('no space left');
  });
  const server = await serve(echo, { errors, handlerClass: FailsAtFirst });
  expect(await exchange(server, '')).toBe('');
  const [listener] = listen.mock.contexts;
  if (!(listener instanceof Server)) expect.unreachable('nothing listens');
  listener.emit('error', new Error('accept ENOMEM'));
  expect(await (await fetch(server.url)).text()).toBe('GET /');
  const warning = 'wsgi.errors cannot be written: no space left';
  expect(warn.mock.calls).toEqual([[warning], [warning]]);
});

/** An application that waits to be let go, if it ever is, and tells when it was called. */
function held(): { app: Application; called: Promise<void>; release(): void } {
  let call: () => void = () => {};
  let release: () => void = () => {};
  const called = new Promise<void>((resolve) => {
    call = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const app: Application = async (environ, startResponse) => {
    call();
    await released;
    return echo(environ, startResponse);
  };
  return { app, called, release };
}

it('finishes what runs when it shuts down, closes what is idle, and accepts no more', async () => {
  const { app, called, release } = held();
  const server = await serve((environ, startResponse) =>
    (environ.PATH_INFO === '/held' ? app : echo)(environ, startResponse),
  );
  const idle = await dial(server);
  await idle.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n').until(/GET \/1$/);
  const busy = (await dial(server)).send('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
  await called;
  const { url } = server;
  const forever = server.serveForever();
  const down = server.shutdown();
  await idle.untilClosed();
  await expect(fetch(url)).rejects.toThrow();
  release();
  expect(await busy.untilClosed()).toMatch(/Connection: close[\s\S]*GET \/held$/);
  await down;
  await forever;
  expect(server.address()).toBeNull();
});

it.each([
  ['an idle connection', true],
  ['a new one', false],
])('answers a request that had come over %s when it shuts down', async (_what, isKept) => {
  let accepted: () => void = () => {};
  const isAccepted = new Promise<void>((resolve) => {
    accepted = resolve;
  });
  class Telling extends WSGIRequestHandler {
    constructor(...args: ConstructorParameters<typeof WSGIRequestHandler>) {
      super(...args);
      accepted();
    }
  }
  const server = await serve(echo, { handlerClass: Telling });
  const client = await dial(server);
  await isAccepted;
  if (isKept) await client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n').until(/GET \/1$/);
  client.send('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  const down = server.shutdown();
  expect(await client.untilClosed()).toMatch(/Connection: close\r\n[\s\S]*GET \/2$/);
  await down;
});

it.each([
  ['whose connection ends with it', 'Connection: close\r\n'],
  ['whose client leaves', ''],
])('waits for the close of a body behind an answer %s when it shuts down', async (_what, field) => {
  const order: string[] = [];
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await serve((_environ, startResponse) => {
    startResponse('200 OK', []);
    const close = async (): Promise<void> => {
      await released;
      order.push('closed');
    };
    return Object.assign([Buffer.from('all of it')], { close });
  });
  const client = await dial(server);
  await client.send(`GET / HTTP/1.1\r\nHost: a\r\n${field}\r\n`).until(/all of it$/);
  client.socket.end();
  const down = server.shutdown(60_000).then(() => order.push('down'));
  await server.serveForever();
  await new Promise((resolve) => setImmediate(resolve));
  release();
  await down;
  expect(order).toEqual(['closed', 'down']);
});

it('waits no longer than it is told for the close of a body when it shuts down', async () => {
  const server = await serve((_environ, startResponse) => {
    startResponse('200 OK', []);
    const close = (): Promise<void> => new Promise(() => {});
    return Object.assign([Buffer.from('all of it')], { close });
  });
  expect(await exchange(server, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/all of it$/);
  await server.shutdown(10);
});

it('answers a request that has begun to arrive when it shuts down', async () => {
  const server = await serve(echo);
  const client = await dial(server);
  await client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HT').until(/GET \/1$/);
  const down = server.shutdown();
  const text = await client.send('TP/1.1\r\nHost: a\r\n\r\n').untilClosed();
  expect(text).toMatch(/Connection: close[\s\S]*GET \/2$/);
  await down;
});

it('cuts off what runs too long when it shuts down', async () => {
  const { app, called } = held();
  const server = await serve(app);
  const client = (await dial(server)).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await called;
  await server.shutdown(50);
  expect(await client.untilClosed()).toBe('');
});

it('lets what runs take any time when it shuts down with none set', async () => {
  const { app, called, release } = held();
  const server = await serve(app);
  const client = (await dial(server)).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await called;
  const down = server.shutdown(Number.POSITIVE_INFINITY);
  await new Promise((resolve) => setTimeout(resolve, 50));
  release();
  expect(await client.untilClosed()).toMatch(/GET \/$/);
  await down;
});

it.each([-1, Number.NaN, 2 ** 31])(
  'does not shut down within %j milliseconds, and says so',
  async (timeout) => {
    const server = await serve(echo);
    const message = `timeout must be from 0 to 2147483647 milliseconds, or Infinity, not ${timeout}`;
    await expect(server.shutdown(timeout)).rejects.toThrow(new RangeError(message));
    expect(await (await fetch(server.url)).text()).toBe('GET /');
  },
);

it('cuts off what runs when it closes', async () => {
  const { app, called } = held();
  const server = await serve(app);
  const client = (await dial(server)).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await called;
  await server.close();
  await server.close();
  expect(await client.untilClosed()).toBe('');
});

it('stops a body that never waits when it closes', async () => {
  const most = 10_000;
  let made = 0;
  const server = await serve(function* (_environ, startResponse) {
    startResponse('200 OK', []);
    for (; made < most; made += 1) {
      if (made === 3) void server.close();
      yield Buffer.from('x');
    }
  });
  await exchange(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(made).toBeLessThan(most);
});

it('does not listen again once it has been shut down, or while it is', async () => {
  const server = await serve(echo);
  await server.shutdown();
  await expect(server.listen(0)).rejects.toThrow('the server has been shut down');
  expect(server.address()).toBeNull();

  const another = new WSGIServer('127.0.0.1');
  const listening = expect(another.listen(0)).rejects.toThrow('the server has been shut down');
  await another.close();
  await listening;
  expect(another.address()).toBeNull();
});

it('closes without waiting for the client of an answer that failed', async () => {
  const server = await serve(
    (_environ, startResponse) => {
      startResponse('200 OK', [])(Buffer.from('a part'));
      throw new Error('planned');
    },
    { errors: new TextErrors(() => {}) },
  );
  const { port } = server;
  const socket = connect({ port: port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  // It takes the end of our side, and leaves its own open.
  await once(socket.resume(), 'end');
  await server.close();
});

it('says when the next request has been answered', async () => {
  const server = await serve(echo);
  const answered = server.handleRequest();
  await (await fetch(server.url)).text();
  await answered;
  const none = server.handleRequest();
  await server.shutdown();
  await none;
});

it('says so only when the answer has left, whatever comes next', async () => {
  const body = Buffer.alloc(20_000_000, 'x');
  const server = await serve((_environ, startResponse) => {
    startResponse('200 OK', []);
    return [body];
  });
  for (const connection of ['keep-alive', 'close']) {
    const client = await dial(server);
    client.send(`GET / HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n\r\n`);
    await server.handleRequest();
    if (connection === 'close') await server.close();
    else client.socket.end();
    expect((await client.untilClosed()).length).toBeGreaterThan(body.length);
  }
});

/** Waits until the collector has taken what nobody holds any more. */
async function untilCollected(held: WeakRef<object>): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  await expect
    .poll(() => {
      collect();
      return held.deref() === undefined;
    })
    .toBe(true);
}

it('keeps nothing of a request that was waited for', async () => {
  const server = await serve(echo);
  const waitForOne = async (): Promise<WeakRef<Promise<void>>> => {
    const answered = server.handleRequest();
    await (await fetch(server.url)).text();
    await answered;
    return new WeakRef(answered);
  };
  await untilCollected(await waitForOne());
});

it.each([
  ['', undefined],
  [' over TLS', selfSigned()],
])('keeps nothing of a connection%s that has closed', async (_over, tls) => {
  const made: WeakRef<object>[] = [];
  class Noted extends WSGIRequestHandler {
    constructor(...args: ConstructorParameters<typeof WSGIRequestHandler>) {
      super(...args);
      made.push(new WeakRef(this));
    }
  }
  const transports: WeakRef<object>[] = [];
  const listen = vi.spyOn(Server.prototype, 'listen');
  onTestFinished(() => listen.mockRestore());
  const { port, url } = await serve(echo, { handlerClass: Noted, tls });
  const [listener] = listen.mock.contexts;
  if (!(listener instanceof Server)) expect.unreachable('nothing listens');
  listener.on('connection', (socket) => transports.push(new WeakRef(socket)));
  const ask = tls === undefined ? request : secureRequest;
  for (let left = 2; left > 0; left--) {
    await new Promise((resolve) => {
      ask(url, { port, agent: false, rejectUnauthorized: false }, (response) => {
        response.resume().on('close', resolve);
      }).end();
    });
  }
  const [handler, transport] = [made[0], transports[0]];
  if (handler === undefined || transport === undefined) expect.unreachable('none was made');
  await untilCollected(handler);
  await untilCollected(transport);
});

it('leaves nothing behind that would keep its process', async () => {
  const script = `
    import { demoApp, makeServer } from '@wsgi/simple-server';
    const server = await makeServer('127.0.0.1', 0, demoApp, { log: false });
    await server.shutdown();
    console.log(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length);
  `;
  const cwd = import.meta.dirname;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { cwd });
  onTestFinished(() => void child.kill('SIGKILL'));
  expect(await text(child.stdout)).toBe('0\n');
});

it('shuts down where its block ends', async () => {
  let kept: WSGIServer;
  {
    await using server = await makeServer('127.0.0.1', 0, echo, { log: false });
    kept = server;
    expect(server.address()).not.toBeNull();
  }
  expect(kept.address()).toBeNull();
});

it('takes a class of its own', async () => {
  class Mine extends WSGIServer {}
  expect(await serve(echo, { serverClass: Mine })).toBeInstanceOf(Mine);
});

it('begins every environ with what its own class adds from its fields, but for what the request says', async () => {
  class Mine extends WSGIServer {
    readonly #own = { SERVER_ADMIN: 'me', HTTP_X_ONE: '1', HTTP_X_TWO: '2' };
    override setupEnviron(port: string): BaseEnviron {
      return { ...super.setupEnviron(port), ...this.#own };
    }
  }
  const server = await serve(
    (environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.from([environ.SERVER_ADMIN, environ.HTTP_X_ONE, environ.HTTP_X_TWO].join())];
    },
    { serverClass: Mine },
  );
  const answer = await fetch(server.url, { headers: { 'X-Two': 'two' } });
  expect(await answer.text()).toBe('me,1,two');
});

it('shows the client that its handler class names, address and port', async () => {
  class Proxied extends WSGIRequestHandler {
    override readonly clientAddress = { address: '192.0.2.1', port: 4242 };
  }
  const server = await serve(
    (environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.from(`${environ.REMOTE_ADDR}:${environ.REMOTE_PORT}`)];
    },
    { handlerClass: Proxied },
  );
  expect(await (await fetch(server.url)).text()).toBe('192.0.2.1:4242');
});

it('gives its application, and takes another', async () => {
  const server = await serve(echo);
  expect(server.getApp()).toBe(echo);
  server.setApp((_environ, startResponse) => {
    startResponse('204 No Content', []);
    return [];
  });
  expect((await fetch(server.url)).status).toBe(204);
});

it('serves on a Unix socket', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'wsgi-')), 'socket');
  onTestFinished(() => rm(join(path, '..'), { recursive: true }));
  const server = await makeServer(path, 0, echo, { log: false });
  onTestFinished(() => server.close());
  expect(server.url).toBe(`unix:${path}`);
  const status = await new Promise((resolve) => {
    request({ socketPath: path }, (response) => resolve(response.resume().statusCode)).end();
  });
  expect(status).toBe(200);
});

it('serves https', async () => {
  const server = await serve(
    (environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.from(environ['wsgi.url_scheme'])];
    },
    { tls: selfSigned() },
  );
  expect(server.url).toMatch(/^https:/);
  const agent = new Agent({ rejectUnauthorized: false });
  const body = await new Promise((resolve) => {
    secureRequest(server.url, { agent }, (response) => {
      response.on('data', (chunk: Buffer) => resolve(chunk.toString()));
    }).end();
  });
  expect(body).toBe('https');
  agent.destroy();
});

it.each<[string, TlsOptions, string]>([
  ['http/1.1 by itself', {}, 'http/1.1'],
  ['what its own protocols say', { ALPNProtocols: ['mine', 'http/1.1'] }, 'mine'],
  ['what its own callback says', { ALPNCallback: () => 'mine' }, 'mine'],
  ['nothing where it has no protocols', { ALPNProtocols: undefined }, ''],
])('agrees with a client of TLS on %s', async (_what, tls, protocol) => {
  const { port } = await serve(echo, { tls: { ...selfSigned(), ...tls } });
  const ALPNProtocols = ['http/1.1', 'mine'];
  const socket = connectSecurely({ port, rejectUnauthorized: false, ALPNProtocols });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  expect(socket.alpnProtocol || '').toBe(protocol);
});

it('answers a client that has closed its side after a whole request', async () => {
  const client = await dial(await serve(echo));
  client.socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(statuses(await client.untilClosed())).toEqual([200]);
});
