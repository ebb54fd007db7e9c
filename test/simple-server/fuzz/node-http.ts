import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Duplex } from 'node:stream';
import type { SeenRequest } from './seen.ts';

/**
 * node:http's server, fed without sockets: its own connection listener runs over an in-memory stream, which is
 * what it does for TLS. That this sees what a real socket shows is a test of its own.
 */
export class NodeHttpView {
  readonly #server: Server;
  readonly #seen = new WeakMap<Duplex, SeenRequest[]>();

  constructor() {
    this.#server = createServer((request, response) => {
      const seen: SeenRequest = {
        method: request.method ?? '',
        target: request.url ?? '',
        version: request.httpVersion,
        rawHeaders: request.rawHeaders,
        body: '',
        complete: false,
      };
      this.#seen.get(request.socket)?.push(seen);
      request.on('data', (chunk: Buffer) => {
        seen.body += chunk.toString('latin1');
      });
      request.on('end', () => {
        seen.complete = true;
      });
      request.on('error', () => {});
      // With a length, or node:http would close after a response to HTTP/1.0 and read no further.
      response.setHeader('Content-Length', 0).end();
    });
    // Left open, so that the requests before the error can still be read to their ends.
    this.#server.on('clientError', () => {});
  }

  /** What node:http makes of each input; they run side by side. */
  async parseAll(inputs: readonly Buffer[]): Promise<SeenRequest[][]> {
    const sockets = inputs.map((input) => this.#connect(input));
    await turns();
    return sockets.map((socket) => {
      socket.destroy();
      return this.#seen.get(socket) ?? [];
    });
  }

  /** The same over a real socket. */
  async parseOverSocket(input: Buffer): Promise<SeenRequest[]> {
    if (!this.#server.listening) await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    const { port } = this.#server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    const [socket]: Duplex[] = await once(this.#server, 'connection');
    if (socket === undefined) throw new Error('no connection');
    const requests: SeenRequest[] = [];
    this.#seen.set(socket, requests);
    const read = Promise.race([
      once(socket, 'end'),
      once(socket, 'close'),
      once(this.#server, 'clientError'),
    ]);
    client.on('error', () => {});
    client.resume().end(input);
    await read;
    await turns();
    socket.destroy();
    client.destroy();
    return requests;
  }

  close(): void {
    this.#server.close();
  }

  #connect(input: Buffer): Duplex {
    const socket = new Duplex({
      read() {},
      write: (_chunk, _encoding, callback) => callback(),
    });
    socket.on('error', () => {});
    this.#seen.set(socket, []);
    this.#server.emit('connection', socket);
    socket.push(input);
    return socket;
  }
}

/** Three turns of the event loop: the bytes, the bodies, their ends. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
