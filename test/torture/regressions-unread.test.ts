/** A body that nobody has read, behind which the connection closes with the answer. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Application } from '@wsgi/core';
import { mountGateway as mountExpress } from '@wsgi/express';
import { fastifyGateway } from '@wsgi/fastify';
import { mountGateway } from '@wsgi/http';
import express from 'express';
import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { expressFive } from '../hosts/hosts/express.ts';
import { fastifyFive } from '../hosts/hosts/fastify.ts';
import { nodeHttp } from '../hosts/hosts/node.ts';
import { ErrorRecorder, listen } from '../hosts/hosts/server.ts';
import { simpleServer } from '../hosts/hosts/simple-server.ts';
import { dial, dialEndpoint, resetsUpload } from './dial.ts';

const sized: Application = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from('not read')];
};

const unsized: Application = function* (_environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  yield Buffer.from('not read');
};

const HEAD = 'PUT / HTTP/1.1\r\nHost: a';

describe.each([simpleServer, nodeHttp, expressFive, fastifyFive])('$name', (host) => {
  it('takes it in behind an answer of unknown length to HTTP/1.0, though it was asked to keep the connection', async () => {
    const socket = await dial(host, unsized);
    const head = 'PUT / HTTP/1.0\r\nConnection: keep-alive';
    expect(await resetsUpload(socket, head)).toBe(false);
  });
});

describe.each([simpleServer, nodeHttp, expressFive, fastifyFive])('$name', (host) => {
  it('takes it in where it comes in chunks', async () => {
    const socket = await dial(host, sized);
    const head = `${HEAD}\r\nConnection: close\r\nTransfer-Encoding: chunked`;
    expect(await resetsUpload(socket, head)).toBe(false);
  });

  it('takes in a part of it behind 413', async () => {
    const socket = await dial(host, sized, { maxBodySize: 10 });
    expect(await resetsUpload(socket, HEAD)).toBe(false);
  });

  it('gives 413 to a client that reads it only when it has sent all', async () => {
    const socket = await dial(host, sized, { maxBodySize: 10 });
    socket.pause();
    const size = 8 * 1024 * 1024;
    socket.write(`${HEAD}\r\nContent-Length: ${size}\r\n\r\n`);
    await new Promise((resolve) => socket.write(Buffer.alloc(size), resolve));
    let got = '';
    for await (const chunk of socket) got += chunk;
    expect(got).toMatch(/^HTTP\/1\.1 413 /);
  });
});

/** Servers that are told to shut down: each ends its connections with the answers. */
const closing: ReadonlyArray<{ name: string; serve(app: Application): Promise<number> }> = [
  {
    name: 'node:http',
    async serve(app) {
      const gateway = mountGateway(app);
      return listenUntilDone((request, response) => {
        response.setHeader('Connection', 'close');
        gateway(request, response);
      });
    },
  },
  {
    name: 'Express',
    async serve(app) {
      const host = express();
      host.use((_request, response, next) => {
        response.set('Connection', 'close');
        next();
      });
      host.use(mountExpress(app));
      return listenUntilDone(host);
    },
  },
  {
    name: 'Fastify',
    async serve(app) {
      const host = fastify({ forceCloseConnections: true });
      onTestFinished(() => host.close());
      host.addHook('onRequest', async (_request, reply) => {
        reply.header('Connection', 'close');
      });
      await host.register(fastifyGateway, { app });
      await host.listen({ port: 0, host: '127.0.0.1' });
      return Number(new URL(host.listeningOrigin).port);
    },
  },
];

async function listenUntilDone(listener: Parameters<typeof createServer>[1]): Promise<number> {
  const { port, close } = await listen(createServer(listener));
  onTestFinished(close);
  return port;
}

describe.each(closing)('$name', ({ serve }) => {
  it.each([
    ['known', sized],
    ['unknown', unsized],
  ])('takes it in where the host closes behind an answer of %s length', async (_length, app) => {
    const port = await serve(app);
    const socket = await dialEndpoint({ port, secure: false, protocol: 'http1' });
    expect(await resetsUpload(socket, HEAD)).toBe(false);
  });
});

it("takes it in before a closing answer of Express's error page", async () => {
  const host = express();
  host.use(
    mountExpress(
      () => {
        throw new Error('planned');
      },
      { errors: new ErrorRecorder() },
    ),
  );
  const page: express.ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(500).send('sorry');
  };
  host.use(page);
  const port = await listenUntilDone(host);
  const socket = await dialEndpoint({ port, secure: false, protocol: 'http1' });
  expect(await resetsUpload(socket)).toBe(false);
});

it("takes it in behind a closing answer of Express's error page to an error of the application's, who found it too large", async () => {
  const host = express();
  const app: Application = async (environ) => {
    await environ['wsgi.input'].read().catch(() => {});
    throw new Error('planned');
  };
  host.use(mountExpress(app, { maxBodySize: 10, errors: new ErrorRecorder() }));
  const page: express.ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(500).send('sorry');
  };
  host.use(page);
  const port = await listenUntilDone(host);
  const socket = await dialEndpoint({ port, secure: false, protocol: 'http1' });
  const head = `${HEAD}\r\nConnection: close\r\nTransfer-Encoding: chunked`;
  expect(await resetsUpload(socket, head)).toBe(false);
});

it('Fastify refuses a body that is too large at once, to a client that wants to close, too', async () => {
  const reads: Application = async (environ) => {
    await environ['wsgi.input'].read();
    throw new Error('not refused');
  };
  const socket = await dial(fastifyFive, reads, { maxBodySize: 10 });
  // No patience ends while they are stopped.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const answer = once(socket, 'data');
  socket.write(`${HEAD}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`);
  socket.write('14\r\n01234567890123456789\r\n');
  expect(String(await answer)).toMatch(/^HTTP\/1\.1 413 /);
});
