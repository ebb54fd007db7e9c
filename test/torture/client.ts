/** What a generated client is, how one is drawn, and the raw socket that plays it for HTTP/1. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import type { ClientResponse, Endpoint } from '../hosts/client/index.ts';
import { Recorder } from '../hosts/client/recorder.ts';
import { ResponseParser } from '../hosts/client/response-parser.ts';
import { type AppPlan, appPlan, pattern } from './app.ts';
import { TlsWire } from './tls-wire.ts';

export interface RequestPlan {
  app: AppPlan;
  method: string;
  version: '1.0' | '1.1';
  framing: 'none' | 'length' | 'chunked';
  /** The sizes of the chunks, or of the parts that make up the length. */
  sizes: readonly number[];
  close: boolean;
  /** Whether it asks for a word before it sends its body (RFC 9110 section 10.1.1). */
  expects: boolean;
}

export interface ClientPlan {
  requests: readonly RequestPlan[];
  /** Whether it sends all requests before it has read an answer. */
  pipelines: boolean;
  reads: 'fast' | 'slowly' | 'never';
  leaves?: Leaving | undefined;
  /** The size of the pieces in which the first bytes leave; 0: all at once. */
  piece: number;
}

export interface Leaving {
  how: 'resets' | 'vanishes' | 'halfCloses';
  /** When so many bytes have been sent, or have been received. */
  after: 'sent' | 'received';
  bytes: number;
}

const request: fc.Arbitrary<RequestPlan> = fc.record({
  app: appPlan,
  method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS'),
  version: fc.constantFrom('1.1', '1.1', '1.1', '1.0' as const),
  framing: fc.constantFrom('none', 'length', 'chunked' as const),
  sizes: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 1, max: 300 }) },
      { weight: 2, arbitrary: fc.constantFrom(4096, 16_384, 65_536, 65_537) },
      { weight: 1, arbitrary: fc.constantFrom(300_000, 1_048_576) },
    ),
    { maxLength: 5 },
  ),
  close: fc.boolean(),
  expects: fc.boolean(),
});

const leaving: fc.Arbitrary<Leaving> = fc.record({
  how: fc.constantFrom('resets', 'vanishes', 'halfCloses' as const),
  after: fc.constantFrom('sent', 'received' as const),
  bytes: fc.oneof(
    { weight: 3, arbitrary: fc.nat({ max: 500 }) },
    { weight: 1, arbitrary: fc.nat({ max: 300_000 }) },
  ),
});

export const clientPlan: fc.Arbitrary<ClientPlan> = fc
  .record({
    requests: fc.array(request, { minLength: 1, maxLength: 3 }),
    pipelines: fc.boolean(),
    reads: fc.oneof(
      { weight: 8, arbitrary: fc.constant('fast' as const) },
      { weight: 2, arbitrary: fc.constant('slowly' as const) },
      { weight: 1, arbitrary: fc.constant('never' as const) },
    ),
    leaves: fc.oneof(
      { weight: 2, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: leaving },
    ),
    piece: fc.constantFrom(0, 0, 0, 1, 7, 100, 1000),
  })
  .map((plan) => ({ ...plan, requests: plan.requests.map(possible).map(patient(plan.pipelines)) }));

/** Who waits for a word sends nothing ahead: in a pipeline, Node writes `100 Continue` into the body of the answer. */
const patient =
  (pipelines: boolean) =>
  (request: RequestPlan): RequestPlan => ({ ...request, expects: request.expects && !pipelines });

/**
 * Only the last request may end the connection, as one that waits for a word in vain must; and HTTP/1.0 has neither
 * chunked coding nor such a word.
 */
function possible(plan: RequestPlan, index: number, all: readonly RequestPlan[]): RequestPlan {
  if (index < all.length - 1) return { ...plan, version: '1.1', close: false, expects: false };
  const { version, framing } = plan;
  if (version === '1.1') return { ...plan, expects: plan.expects && framing !== 'none' };
  return { ...plan, framing: framing === 'chunked' ? 'length' : framing, expects: false };
}

export const bodySize = ({ framing, sizes }: RequestPlan): number =>
  framing === 'none' ? 0 : sizes.reduce((sum, size) => sum + size, 0);

/** What a client tells afterwards. */
export interface Experience {
  /** One for each request; status 0 where no answer came. */
  responses: ClientResponse[];
  /** The client went before it had all. */
  left: boolean;
  /** How many of the requests were sent whole. */
  sentWhole: number;
  /** The connection was kept, and a last request on it was answered. */
  served?: boolean | undefined;
}

/** Plays a client of HTTP/1. `hung` resolves when an application waits for the client to go. */
export async function playHttp1(
  plan: ClientPlan,
  endpoint: Endpoint,
  hung: Promise<void>,
): Promise<Experience> {
  const { port, secure } = endpoint;
  const address = { host: '127.0.0.1', port, allowHalfOpen: true };
  const secureOptions = { rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };
  // Of an answer to HTTP/1.0, only an end with a word of leave is the end.
  const ends = plan.requests.some(({ version }) => version === '1.0');
  const wire = secure && ends ? new TlsWire(connectTcp(address)) : undefined;
  const socket: Socket = !secure
    ? connectTcp(address)
    : wire === undefined
      ? connectTls({ ...address, ...secureOptions })
      : connectTls({ socket: wire, ...secureOptions, maxVersion: 'TLSv1.2' });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await Promise.race([once(socket, secure ? 'secureConnect' : 'connect'), closed]);
  const client = new Http1Player(plan, socket, secure, wire);
  hung.then(() => client.leave(plan.leaves?.how === 'vanishes' ? 'vanishes' : 'resets'));
  return client.play(closed);
}

class Http1Player {
  readonly #plan: ClientPlan;
  readonly #socket: Socket;
  readonly #secure: boolean;
  readonly #recorders: Recorder[] = [];
  #answered = 0;
  #received = 0;
  #sent = 0;
  #sentWhole = 0;
  #left = false;
  #probing = false;
  #failure: Error | undefined;
  /** Called when the server asks for the body. */
  #goOn: () => void = () => {};

  constructor(plan: ClientPlan, socket: Socket, secure: boolean, wire: TlsWire | undefined) {
    this.#plan = plan;
    this.#socket = socket;
    this.#secure = secure;
    const parser = new ResponseParser({
      isHead: () => plan.requests[this.#answered]?.method === 'HEAD',
      onInformational: () => this.#goOn(),
      onHead: (head) => this.#current.onHead(head),
      onData: (chunk) => this.#current.onData(chunk),
      onEnd: (complete) => {
        this.#current.onEnd(complete);
        this.#answered += 1;
      },
    });
    let clean = false;
    socket.on('data', (data: Buffer) => this.#take(data, parser));
    socket.on('end', () => {
      if (secure) {
        // An end also comes behind what a client that has left did not want.
        clean = !socket.destroyed && (wire?.tookLeave ?? true);
        socket.destroy();
        return;
      }
      // Node takes a reset that comes together with data for an orderly end; only the next write tells.
      socket.write('\n', (error) => {
        clean = error == null;
        socket.destroy();
      });
    });
    socket.on('close', () => {
      const open = this.#recorders[this.#answered];
      if (open !== undefined && this.#failure === undefined) parser.end(clean);
      for (const recorder of this.#recorders) recorder.onEnd(false);
    });
    if (plan.reads === 'never') socket.pause();
  }

  get #current(): Recorder {
    const recorder = this.#recorders[this.#answered];
    if (recorder !== undefined) return recorder;
    // Node tells a client that ends within its request that it is bad, even after an answer.
    if (this.#left) return new Recorder();
    throw new Error('bytes after the last response');
  }

  #take(data: Buffer, parser: ResponseParser): void {
    const { reads } = this.#plan;
    const leaves = this.#probing ? undefined : this.#plan.leaves;
    const room = leaves?.after === 'received' ? leaves.bytes - this.#received : data.length;
    this.#received += data.length;
    try {
      parser.feed(data.subarray(0, Math.max(0, room)));
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#socket.destroy();
      return;
    }
    if (leaves?.after === 'received' && room <= data.length) {
      this.leave(leaves.how);
      if (leaves.how === 'halfCloses') parser.feed(data.subarray(Math.max(0, room)));
    } else if (reads === 'slowly') {
      this.#socket.pause();
      setImmediate(() => this.#socket.resume());
    }
  }

  leave(how: Leaving['how']): void {
    if (this.#left && how === 'halfCloses') return;
    this.#left = true;
    // Later over TLS: Node's client drops what it has received and not yet given, as it takes its leave.
    if (how === 'halfCloses' && this.#secure) setImmediate(() => this.#socket.end());
    else if (how === 'halfCloses') this.#socket.end();
    else if (how === 'resets' && !this.#secure) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  async play(closed: Promise<void>): Promise<Experience> {
    const { requests, pipelines, reads } = this.#plan;
    const responses: Array<Promise<ClientResponse>> = [];
    for (const [index, request] of requests.entries()) {
      const recorder = new Recorder();
      this.#recorders.push(recorder);
      responses.push(recorder.response);
      if (this.#socket.destroyed) recorder.onEnd(false);
      await this.#send(request, index);
      if (reads === 'never') {
        await sleep(10);
        this.leave('resets');
      }
      if (!pipelines) await recorder.response;
    }
    const all = await Promise.all(responses);
    if (this.#failure !== undefined) throw this.#failure;
    const served = await this.#probe(all.at(-1));
    const left = this.#left;
    this.#socket.destroy();
    await closed;
    return { responses: all, left, sentWhole: this.#sentWhole, served };
  }

  /** One more request on a connection that says it is kept. */
  async #probe(last: ClientResponse | undefined): Promise<boolean | undefined> {
    const plan = this.#plan.requests.at(-1);
    if (this.#left || last?.complete !== true || plan?.close === true || plan?.version === '1.0')
      return;
    if (this.#sentWhole < this.#plan.requests.length) return;
    if (last.all('connection').some((value) => /close/i.test(value))) return;
    if (
      last.header('content-length') === undefined &&
      last.header('transfer-encoding') === undefined
    ) {
      if (last.status !== 204 && last.status !== 304 && plan?.method !== 'HEAD') return;
    }
    this.#probing = true;
    const recorder = new Recorder();
    this.#recorders.push(recorder);
    if (this.#socket.destroyed) recorder.onEnd(false);
    this.#socket.write('GET /?probe HTTP/1.1\r\nHost: a\r\n\r\n');
    const response = await recorder.response;
    return response.complete && response.text === 'ok';
  }

  async #send(request: RequestPlan, index: number): Promise<void> {
    const bytes = wireBytes(request, index);
    const before = this.#sent;
    await this.#sendBytes(bytes, request, index);
    if (this.#sent - before === bytes.length) this.#sentWhole += 1;
  }

  async #sendBytes(bytes: Buffer, request: RequestPlan, index: number): Promise<void> {
    const { piece } = this.#plan;
    let at = 0;
    if (request.expects) {
      at = bytes.indexOf('\r\n\r\n') + 4;
      const asked = new Promise<void>((resolve) => {
        this.#goOn = resolve;
      });
      if (!(await this.#put(bytes.subarray(0, at)))) return;
      const answered = this.#recorders[index]?.response.then(() => 'answered');
      // Who waits for a word does not wait for ever: the server may have none to say.
      if ((await Promise.race([asked, answered, sleep(20)])) === 'answered') return;
    }
    // Only the first bytes go in pieces: the head, and enough of the body to split its framing.
    while (piece > 0 && at < Math.min(bytes.length, piece * 300, 2000)) {
      if (!(await this.#put(bytes.subarray(at, at + piece)))) return;
      at += piece;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (at < bytes.length) await this.#put(bytes.subarray(at));
  }

  /** Writes bytes; false when the client leaves at one of them, or the server has closed. */
  async #put(bytes: Buffer): Promise<boolean> {
    const { leaves } = this.#plan;
    const socket = this.#socket;
    if (this.#left || socket.destroyed) return false;
    const room = leaves?.after === 'sent' ? leaves.bytes - this.#sent : Number.POSITIVE_INFINITY;
    const part = bytes.subarray(0, Math.max(0, room));
    this.#sent += part.length;
    if (part.length > 0) socket.write(part);
    if (leaves !== undefined && room <= bytes.length) {
      this.leave(leaves.how);
      return false;
    }
    return true;
  }
}

/** A request as it stands on the wire. */
function wireBytes(request: RequestPlan, index: number): Buffer {
  const { method, version, framing, sizes, close } = request;
  const lines = [`${method} /?${index} HTTP/${version}`, 'Host: torture'];
  const parts: Uint8Array[] = [];
  if (framing === 'length') lines.push(`Content-Length: ${bodySize(request)}`);
  if (framing === 'chunked') lines.push('Transfer-Encoding: chunked');
  if (close) lines.push('Connection: close');
  if (request.expects) lines.push('Expect: 100-continue');
  parts.push(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  let place = 0;
  for (const size of framing === 'none' ? [] : sizes) {
    const data = pattern(place, size);
    place += size;
    if (framing === 'chunked') parts.push(Buffer.from(`${size.toString(16)}\r\n`), data, CRLF);
    else parts.push(data);
  }
  if (framing === 'chunked') parts.push(Buffer.from('0\r\n\r\n'));
  return Buffer.concat(parts);
}

const CRLF = Buffer.from('\r\n');
