import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Recorder } from './recorder.ts';
import { ResponseParser } from './response-parser.ts';
import {
  type Connection,
  type Endpoint,
  type Exchange,
  type RequestSpec,
  toBytes,
} from './types.ts';

interface Pending {
  method: string;
  recorder: Recorder;
}

/** Connects to a server with a client that writes its own bytes and believes nothing. */
export async function connectHttp1(endpoint: Endpoint): Promise<Connection> {
  const { port, secure } = endpoint;
  const address = { host: '127.0.0.1', port };
  const socket: Socket = secure
    ? connectTls({
        ...address,
        rejectUnauthorized: false,
        ALPNProtocols: ['http/1.1'],
      })
    : connectTcp(address);
  await once(socket, secure ? 'secureConnect' : 'connect');
  return new Http1Connection(socket, endpoint);
}

class Http1Connection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  closed = false;
  #socket: Socket;
  #endpoint: Endpoint;
  #pending: Pending[] = [];
  #failure: Error | undefined;

  constructor(socket: Socket, endpoint: Endpoint) {
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.localAddress = socket.localAddress ?? '';
    this.localPort = socket.localPort ?? 0;
    const parser = new ResponseParser({
      isHead: () => this.#first().method === 'HEAD',
      onInformational: (status) => this.#first().recorder.informational.push(status),
      onHead: (head) => {
        if (head.headers.some(([n, v]) => n === 'connection' && /close/i.test(v)))
          this.closed = true;
        this.#first().recorder.onHead(head);
      },
      onData: (chunk) => this.#first().recorder.onData(chunk),
      onEnd: (complete) => {
        this.#first().recorder.onEnd(complete);
        this.#pending.shift();
      },
    });
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      try {
        parser.feed(data);
      } catch (error) {
        this.#failure = error instanceof Error ? error : new Error(String(error));
        socket.destroy();
      }
    });
    let clean = false;
    socket.on('end', () => {
      clean = true;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      if (this.#failure === undefined && this.#pending.length > 0) parser.end(clean);
      for (const { recorder } of this.#pending) recorder.onEnd(false);
      this.#pending = [];
    });
  }

  /** A response that nobody asked for is a defect of the server, so this throws into the parser's caller. */
  #first(): Pending {
    const first = this.#pending[0];
    if (first === undefined) throw new Error('bytes after the last response');
    return first;
  }

  start(spec: RequestSpec = {}): Exchange {
    const socket = this.#socket;
    const { secure } = this.#endpoint;
    const method = spec.method ?? 'GET';
    const recorder = new Recorder(spec.sink);
    if (this.closed && socket.destroyed) recorder.onEnd(false);
    else this.#pending.push({ method, recorder });
    const chunked = spec.upload === 'unsized';
    const body = spec.body === undefined ? undefined : toBytes(spec.body);
    const length = typeof spec.upload === 'number' ? spec.upload : body?.length;
    const lines = [
      `${method} ${spec.target ?? this.#endpoint.target} HTTP/1.${spec.oldest ? '0' : '1'}`,
      `Host: ${spec.host ?? `127.0.0.1:${this.#endpoint.port}`}`,
      ...(spec.headers ?? []).map(([name, value]) => `${name}: ${value}`),
      ...(length === undefined ? [] : [`Content-Length: ${length}`]),
      ...(chunked ? ['Transfer-Encoding: chunked'] : []),
      ...(spec.close ? ['Connection: close'] : []),
    ];
    const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    socket.write(body === undefined ? head : Buffer.concat([head, body]));

    const write = (data: Uint8Array): Promise<void> =>
      new Promise((resolve, reject) => {
        socket.write(data, (error) => (error == null ? resolve() : reject(error)));
      });
    return {
      head: recorder.head,
      response: recorder.response.then((response) => {
        if (this.#failure !== undefined) throw this.#failure;
        return response;
      }),
      informational: recorder.informational,
      until: (text) => recorder.until(text),
      send(chunk) {
        const data = toBytes(chunk);
        if (!chunked) return write(data);
        const size = Buffer.from(`${data.length.toString(16)}\r\n`);
        return write(Buffer.concat([size, data, Buffer.from('\r\n')]));
      },
      finish() {
        if (chunked) socket.write('0\r\n\r\n');
      },
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      // Node resets plain sockets only.
      abort: () => void (secure ? socket.destroy() : socket.resetAndDestroy()),
    };
  }

  close(): void {
    this.#socket.destroy();
  }
}
