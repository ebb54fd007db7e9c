import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Recorder } from './recorder.ts';
import {
  type Connection,
  type Endpoint,
  type Exchange,
  type RequestSpec,
  splitAbsolute,
  toBytes,
} from './types.ts';

/** Connects to a server over HTTP/2, cleartext by prior knowledge or secure by ALPN. */
export async function connectHttp2(endpoint: Endpoint): Promise<Connection> {
  const { port, secure } = endpoint;
  const address = { host: '127.0.0.1', port };
  const socket: Socket = secure
    ? connectTls({ ...address, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    : connectTcp(address);
  await once(socket, secure ? 'secureConnect' : 'connect');
  const origin = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`;
  const session = connect(origin, { createConnection: () => socket });
  session.on('error', () => {});
  await once(session, 'connect');
  return new Http2Connection(session, socket, endpoint);
}

class Http2Connection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  #session: ClientHttp2Session;
  #socket: Socket;
  #endpoint: Endpoint;
  #goingAway = false;

  constructor(session: ClientHttp2Session, socket: Socket, endpoint: Endpoint) {
    this.#session = session;
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.localAddress = socket.localAddress ?? '';
    this.localPort = socket.localPort ?? 0;
    session.on('goaway', () => {
      this.#goingAway = true;
    });
  }

  get closed(): boolean {
    return this.#goingAway || this.#session.closed || this.#session.destroyed;
  }

  start(spec: RequestSpec = {}): Exchange {
    const recorder = new Recorder(spec.sink);
    const method = spec.method ?? 'GET';
    const body = spec.body === undefined ? undefined : toBytes(spec.body);
    const length = typeof spec.upload === 'number' ? spec.upload : body?.length;
    const target = spec.target ?? this.#endpoint.target;
    const absolute = splitAbsolute(target);
    // A null prototype lets a field be called __proto__.
    const headers: OutgoingHttpHeaders = Object.assign(Object.create(null), {
      ':method': method,
      ':path': absolute?.path ?? target,
      ':authority': absolute?.authority ?? spec.host ?? `127.0.0.1:${this.#endpoint.port}`,
      ...(absolute === undefined ? {} : { ':scheme': absolute.scheme }),
      ...(length === undefined ? {} : { 'content-length': String(length) }),
    });
    for (const [name, value] of spec.headers ?? []) {
      const key = name.toLowerCase();
      const before = headers[key];
      if (before === undefined) headers[key] = value;
      else headers[key] = [...(Array.isArray(before) ? before : [String(before)]), value];
    }
    const hasBody = body !== undefined || spec.upload !== undefined;
    const stream = this.#session.request(headers, { endStream: !hasBody });
    if (body !== undefined) stream.end(body);

    stream.on('headers', (fields) => recorder.informational.push(Number(fields[':status'])));
    stream.on('response', (fields, _flags, ...rest: unknown[]) => {
      // Node gives the fields as they came, too; its typings do not say so yet.
      const raw = rest[0] as string[];
      const pairs: Array<[string, string]> = [];
      for (let i = 0; i < raw.length; i += 2) {
        const name = raw[i] ?? '';
        if (!name.startsWith(':')) pairs.push([name, raw[i + 1] ?? '']);
      }
      recorder.onHead({
        status: Number(fields[':status']),
        reason: undefined,
        headers: pairs,
      });
    });
    let ended = false;
    stream.on('data', (chunk: Buffer) => recorder.onData(chunk));
    stream.on('end', () => {
      ended = true;
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      // RST_STREAM with NO_ERROR after END_STREAM is how a server declines the rest of an upload (RFC 9113, 8.1).
      recorder.onEnd(ended && stream.rstCode === constants.NGHTTP2_NO_ERROR);
    });
    return {
      head: recorder.head,
      response: recorder.response,
      informational: recorder.informational,
      until: (text) => recorder.until(text),
      send: (chunk) =>
        new Promise((done, reject) => {
          stream.write(toBytes(chunk), (error) => (error == null ? done() : reject(error)));
        }),
      finish: () => void stream.end(),
      pause: () => void stream.pause(),
      resume: () => void stream.resume(),
      // In cleartext the stream is reset, over TLS the connection is lost: both happen to servers.
      abort: () => {
        if (this.#endpoint.secure) this.#session.destroy();
        else this.#socket.write(resetFrame(stream.id ?? 0));
      },
    };
  }

  close(): void {
    this.#session.destroy();
  }
}

/**
 * RST_STREAM with CANCEL (RFC 9113 section 6.4), by hand: Node's client ends the request's body before it resets a
 * stream, so that a cut upload would look whole.
 */
function resetFrame(stream: number): Buffer {
  const frame = Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, constants.NGHTTP2_CANCEL]);
  frame.writeUInt32BE(stream, 5);
  return frame;
}
