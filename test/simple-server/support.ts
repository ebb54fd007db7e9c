import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Application, ApplicationLike } from '@wsgi/core';
import { makeServer, type ServerOptions, type WSGIServer } from '@wsgi/simple-server';
import { onTestFinished } from 'vitest';

/** Answers every request with its method and path. */
export const echo: Application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(`${environ.REQUEST_METHOD} ${environ.PATH_INFO}`)];
};

/** Answers every request with its body. */
export const echoBody: Application = async (environ, startResponse) => {
  const body = await environ['wsgi.input'].read();
  startResponse('200 OK', []);
  return [body];
};

/** A server for one test, on a free port, without an access log. */
export async function serve(
  app: ApplicationLike,
  options: ServerOptions = {},
): Promise<WSGIServer> {
  const server = await makeServer('127.0.0.1', 0, app, { log: false, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** What a client sees of a connection. */
export class RawClient {
  readonly socket: Socket;
  /** All that was received so far, a character for each byte. */
  text = '';
  #changed: Array<() => void> = [];

  constructor(socket: Socket) {
    this.socket = socket;
    const changed = (): void => {
      for (const resolve of this.#changed.splice(0)) resolve();
    };
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      changed();
    });
    // A client that keeps its side open makes the server wait for bytes that it may still send.
    socket.on('end', () => {
      socket.end();
      changed();
    });
    socket.on('close', changed).on('error', changed);
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  get ended(): boolean {
    return this.socket.readableEnded || this.socket.destroyed;
  }

  /** Waits until what was received matches, or the server has closed; gives all that was received. */
  async until(pattern: RegExp): Promise<string> {
    while (!this.ended && !pattern.test(this.text)) await this.#change();
    return this.text;
  }

  /** Waits until the server has closed; gives all that was received. */
  async untilClosed(): Promise<string> {
    while (!this.ended) await this.#change();
    return this.text;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }
}

export async function dial(server: WSGIServer): Promise<RawClient> {
  const { port } = server;
  if (port === undefined) throw new Error('the server has no port');
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return new RawClient(socket);
}

/** Sends bytes on a connection of their own; gives all that comes until the server closes. */
export async function exchange(server: WSGIServer, text: string): Promise<string> {
  const client = await dial(server);
  return client.send(text).untilClosed();
}

/** The status codes of the responses in a text, in order. */
export function statuses(text: string): number[] {
  return Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, code]) => Number(code));
}
