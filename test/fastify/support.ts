import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import type { Application, Environ, HeaderList } from '@wsgi/core';
import { type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify';
import { onTestFinished } from 'vitest';

export const TEXT: HeaderList = [['Content-Type', 'text/plain']];

/** An application that answers with a text, or with what a function makes of the environ. */
export function says(text: string | ((environ: Environ) => string), headers = TEXT): Application {
  return (environ, startResponse) => {
    startResponse('200 OK', headers);
    return [Buffer.from(typeof text === 'string' ? text : text(environ), 'latin1')];
  };
}

/** Says under which keys the environ holds what. */
export const tells = (...keys: string[]): Application =>
  says((environ) => JSON.stringify(Object.fromEntries(keys.map((key) => [key, environ[key]]))));

/** Echoes the body of the request. */
export const echo: Application = async (environ, startResponse) => {
  const body = await environ['wsgi.input'].read();
  startResponse('200 OK', TEXT);
  return [body];
};

/** A body that counts how often it is closed, and settles `closed` then. */
export class CountedBody implements AsyncIterable<Uint8Array> {
  closes = 0;
  readonly closed: Promise<void>;
  #resolve: () => void = () => {};
  readonly #chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#chunks = chunks;
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#chunks;
  }

  close(): void {
    this.closes += 1;
    this.#resolve();
  }
}

/** What Fastify has logged. */
export class Log {
  readonly entries: Record<string, unknown>[] = [];

  write(line: string): void {
    this.entries.push(JSON.parse(line));
  }

  get text(): string {
    return JSON.stringify(this.entries);
  }
}

/** A Fastify that is closed after the test, with what it logs from `level` on. */
export function host(
  options: FastifyServerOptions = {},
  level = 'warn',
): { app: FastifyInstance; log: Log } {
  const log = new Log();
  const app = fastify({
    logger: { level, stream: log },
    forceCloseConnections: true,
    ...options,
  });
  onTestFinished(() => app.close());
  return { app, log };
}

/** Listens on a free port. */
export async function listen(app: { server: { address(): unknown } } & Listening): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

interface Listening {
  listen(options: { host: string; port: number }): Promise<string>;
}

/** Sends bytes as they are, and gives all that comes until the server closes the connection. */
export async function exchange(port: number, request: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.write(request);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

/** A request head whose connection ends with the response. */
export function head(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: a.example', 'Connection: close', ...fields, '', ''].join(
    '\r\n',
  );
}

/** Sends a request and gives the socket once `marker` has come. */
export async function until(port: number, request: string, marker: string) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(request);
  let text = '';
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.includes(marker)) resolve();
    });
  });
  return socket;
}
