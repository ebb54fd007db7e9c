import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Application } from '@wsgi/core';
import { fastifyGateway } from '@wsgi/fastify';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { CountedBody, echo, exchange, head, host, listen, says, TEXT, until } from './support.ts';

describe('inject', () => {
  it('gives status, fields and body, of a body in chunks too', async () => {
    const { app } = host();
    await app.register(fastifyGateway, {
      app: function* (_environ, startResponse) {
        startResponse('202 Quite Fine', TEXT);
        yield Buffer.from('in ');
        yield Buffer.from('chunks');
      },
    });
    const response = await app.inject('/');
    expect(response).toMatchObject({
      statusCode: 202,
      statusMessage: 'Quite Fine',
      body: 'in chunks',
    });
  });

  it('hands a body over as a stream while it is made, with payloadAsStream', async () => {
    const { app } = host();
    let sendSecond: () => void = () => {};
    const second = new Promise<void>((resolve) => {
      sendSecond = resolve;
    });
    await app.register(fastifyGateway, {
      app: async function* (_environ, startResponse) {
        startResponse('200 OK', TEXT);
        yield Buffer.from('first');
        await second;
        yield Buffer.from('second');
      },
    });
    const response = await app.inject({ url: '/', payloadAsStream: true });
    const chunks: string[] = [];
    for await (const chunk of response.stream()) {
      chunks.push(String(chunk));
      sendSecond();
    }
    expect(chunks).toEqual(['first', 'second']);
  });

  it('takes a payload that is a stream', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: echo });
    const { Readable } = await import('node:stream');
    const payload = Readable.from([Buffer.from('streamed '), Buffer.from('payload')]);
    const response = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'text/plain' },
      payload,
    });
    expect(response.body).toBe('streamed payload');
  });

  it('is told of an application that fails midway', async () => {
    const { app } = host({}, 'fatal');
    await app.register(fastifyGateway, {
      app: function* (_environ, startResponse) {
        startResponse('200 OK', [...TEXT, ['Content-Length', '10']]);
        yield Buffer.from('part');
        throw new Error('failed');
      },
    });
    await expect(app.inject('/')).rejects.toThrow('destroyed before completion');
  });

  it('answers an error by the error handler', async () => {
    const { app } = host({}, 'fatal');
    await app.register(fastifyGateway, {
      app: async () => {
        throw new Error('failed');
      },
    });
    expect((await app.inject('/')).statusCode).toBe(500);
  });
});

describe('fastify.close()', () => {
  it('waits for responses that are being sent', async () => {
    const { app } = host({ forceCloseConnections: false });
    let finish: () => void = () => {};
    const rest = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const body = new CountedBody(
      (async function* () {
        yield Buffer.from('begun ');
        await rest;
        yield Buffer.from('and finished');
      })(),
    );
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return body;
      },
    });
    const socket = await until(await listen(app), head('GET /'), 'begun');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    let closed = false;
    const closing = app.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([closed, body.closes]).toEqual([false, 0]);
    finish();
    await Promise.all([closing, once(socket, 'close')]);
    expect(body.closes).toBe(1);
    expect(text).toContain('and finished');
  });

  it('with forceCloseConnections ends them, and closes their bodies', async () => {
    const { app } = host({ forceCloseConnections: true });
    const body = new CountedBody(
      (async function* () {
        yield Buffer.from('begun');
        await new Promise(() => {});
      })(),
    );
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return body;
      },
    });
    await until(await listen(app), head('GET /'), 'begun');
    await app.close();
    await body.closed;
    expect(body.closes).toBe(1);
  });
});

describe('WebSockets on the same server', () => {
  it('are upgraded beside an application that is mounted at the root', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: says('the application') });
    const sockets = new WebSocketServer({ server: app.server, path: '/socket' });
    sockets.on('connection', (socket) => {
      socket.on('message', (data) => socket.send(`echo ${data}`));
    });
    const port = await listen(app);
    const client = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    await once(client, 'open');
    client.send('hello');
    const [data] = await once(client, 'message');
    expect(String(data)).toBe('echo hello');
    expect(await exchange(port, head('GET /socket'))).toMatch(/the application$/);
    client.terminate();
    sockets.close();
  });
});

describe('server-sent events', () => {
  it('arrive one by one, and end with the client', async () => {
    const { app } = host();
    const events: Application = (environ, startResponse) => {
      const signal = environ['gateway.signal']();
      startResponse('200 OK', [['Content-Type', 'text/event-stream']]);
      return {
        async *[Symbol.asyncIterator]() {
          for (let n = 1; !signal.aborted; n += 1) {
            yield Buffer.from(`data: ${n}\n\n`);
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        },
        close: () => ended(),
      };
    };
    let ended: () => void = () => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    await app.register(fastifyGateway, { app: events });
    const socket = await until(await listen(app), head('GET /'), 'data: 3\n\n');
    socket.destroy();
    await end;
  });
});

it('a write() that waits in a pipeline ends when its client leaves before its turn', async () => {
  const { app } = host();
  const client = new Socket().on('error', () => {});
  let settle = (_reason: unknown): void => {};
  const settled = new Promise((resolve) => {
    settle = resolve;
  });
  app.get('/held', () => new Promise(() => {}));
  await app.register(fastifyGateway, {
    prefix: '/gateway',
    async app(_environ, startResponse) {
      const write = startResponse('200 OK', TEXT);
      setImmediate(() => client.destroy());
      try {
        // What is in front of it is never answered, so that it soon finds no room.
        for (;;) await write(Buffer.alloc(100_000));
      } catch (error) {
        settle(error);
      }
      return [];
    },
  });
  client.connect(await listen(app), '127.0.0.1');
  client.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\nGET /gateway HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await settled).toMatchObject({ code: 'ECONNRESET' });
});
