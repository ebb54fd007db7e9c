/** Mixed traffic with random faults, for one server: what a client may do, and what it must then be told. */
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClientResponse,
  type Connection,
  connect,
  type Endpoint,
} from '../hosts/client/index.ts';

/** The size of the file that the server has at `/file`. */
export const FILE_SIZE = 300_000;

/** What came of a soak. */
export class Tally {
  /** Requests that must be answered whole. */
  good = 0;
  /** Of these, those that were not, each told in a line. */
  readonly lost: string[] = [];
  /** Requests that were to fail, and did as they should. */
  failed = 0;
  /** Those that should have failed and did not, each told in a line. */
  readonly unexpected: string[] = [];
  /** Clients that left in the middle. */
  left = 0;
  /** How long small requests took, in milliseconds. */
  readonly latencies: number[] = [];

  /** The latency that this share of the small requests did not exceed. */
  latency(share: number): number {
    const sorted = this.latencies.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  }
}

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** One client: does this and that, one thing after the other. */
export class Client {
  readonly #endpoint: Endpoint;
  readonly #tally: Tally;
  readonly #random: () => number;
  /** Whether the connection at hand has come to its end. */
  #isOver = false;

  constructor(endpoint: Endpoint, tally: Tally, seed: number) {
    this.#endpoint = endpoint;
    this.#tally = tally;
    this.#random = random(seed);
  }

  /** Goes on until the time has come, by `Date.now()`. */
  async run(end: number): Promise<void> {
    while (Date.now() < end) await this.#visit();
  }

  async #visit(): Promise<void> {
    const connection = await connect(this.#endpoint);
    this.#isOver = false;
    const requests = 1 + this.#below(6);
    for (let left = requests; left > 0 && !connection.closed && !this.#isOver; left -= 1) {
      const deeds = this.#random() < 0.75 ? this.#good : this.#faulty;
      const deed = deeds[this.#below(deeds.length)];
      await deed?.(connection);
    }
    connection.close();
  }

  readonly #good: ReadonlyArray<(connection: Connection) => Promise<void>> = [
    (connection) => this.#small(connection),
    (connection) => this.#small(connection),
    (connection) => this.#small(connection),
    (connection) => this.#download(connection, '/download', false),
    (connection) => this.#download(connection, '/download-later', false),
    (connection) => this.#download(connection, '/download', true),
    (connection) => this.#upload(connection),
    (connection) => this.#echo(connection),
    async (connection) => {
      const response = await connection.start({ target: '/file' }).response;
      this.#check('a file', response, response.body.length === FILE_SIZE);
    },
    async (connection) => {
      const response = await connection.start({ method: 'HEAD', target: '/download?70000' })
        .response;
      const length = response.header('content-length');
      this.#check('HEAD', response, response.body.length === 0 && length === '70000');
    },
  ];

  readonly #faulty: ReadonlyArray<(connection: Connection) => Promise<void>> = [
    async (connection) => {
      const { status, complete } = await connection.start({ target: '/throw' }).response;
      this.#expect('an error', status === 500 && complete, status);
    },
    async (connection) => {
      const { status, complete } = await connection.start({ target: '/throw-midway' }).response;
      this.#expect('an error midway', !complete, status);
      this.#isOver = true;
    },
    (connection) => this.#leaveDownload(connection, true),
    (connection) => this.#leaveDownload(connection, false),
    (connection) => this.#leaveUpload(connection, true),
    (connection) => this.#leaveUpload(connection, false),
    () => this.#halfClose(),
  ];

  async #small(connection: Connection): Promise<void> {
    const start = performance.now();
    const response = await connection.start({ target: '/ok' }).response;
    this.#tally.latencies.push(performance.now() - start);
    this.#check('a small request', response, response.text === 'ok');
  }

  async #download(connection: Connection, path: string, slowly: boolean): Promise<void> {
    const size = this.#below(1_000_000);
    let received = 0;
    const exchange = connection.start({
      target: `${path}?${size}`,
      sink: (chunk) => {
        received += chunk.length;
        if (!slowly) return;
        exchange.pause();
        setTimeout(() => exchange.resume(), 2);
      },
    });
    const response = await exchange.response;
    this.#check(`${path}?${size}${slowly ? ' slowly' : ''}`, response, received === size);
  }

  async #upload(connection: Connection): Promise<void> {
    const size = this.#below(1_000_000);
    const response = await this.#send(connection, '/upload', size).response;
    this.#check(`an upload of ${size}`, response, response.text === String(size));
  }

  async #echo(connection: Connection): Promise<void> {
    const size = this.#below(500_000);
    const response = await this.#send(connection, '/echo', size).response;
    this.#check(`an echo of ${size}`, response, response.body.length === size);
  }

  #send(connection: Connection, target: string, size: number) {
    if (this.#random() < 0.5) {
      return connection.start({ method: 'POST', target, body: Buffer.alloc(size, 'a') });
    }
    const exchange = connection.start({ method: 'POST', target, upload: 'unsized' });
    (async () => {
      for (let sent = 0; sent < size; sent += 50_000) {
        await exchange.send(Buffer.alloc(Math.min(50_000, size - sent), 'a'));
      }
      exchange.finish();
    })().catch(() => {});
    return exchange;
  }

  async #leaveDownload(connection: Connection, resets: boolean): Promise<void> {
    const exchange = connection.start({ target: '/download?5000000', sink: () => {} });
    await exchange.head.catch(() => {});
    await sleep(this.#below(5));
    this.#leave(connection, resets ? exchange.abort : undefined);
  }

  async #leaveUpload(connection: Connection, resets: boolean): Promise<void> {
    const target = this.#random() < 0.5 ? '/upload' : '/echo';
    const exchange = connection.start({ method: 'PUT', target, upload: 1_000_000, sink: () => {} });
    await exchange.send(Buffer.alloc(this.#below(200_000))).catch(() => {});
    this.#leave(connection, resets ? exchange.abort : undefined);
  }

  #leave(connection: Connection, abort: (() => void) | undefined): void {
    this.#tally.left += 1;
    this.#isOver = true;
    abort?.();
    connection.close();
  }

  /** Says that it has nothing more to say, within a request or after it. */
  async #halfClose(): Promise<void> {
    const { port, secure, protocol } = this.#endpoint;
    if (secure || protocol === 'http2') return;
    const within = this.#random() < 0.5;
    const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {}).resume();
    socket.end(
      `PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n${within ? '' : '123456789'}`,
    );
    await new Promise((resolve) => socket.on('end', resolve).on('close', resolve));
    socket.destroy();
    this.#tally.left += 1;
  }

  #check(what: string, response: ClientResponse, right: boolean): void {
    this.#tally.good += 1;
    const { status, complete } = response;
    if (right && status === 200 && complete) return;
    this.#tally.lost.push(`${what}: ${status}, ${complete ? 'complete' : 'cut'}`);
  }

  #expect(what: string, right: boolean, status: number): void {
    if (right) this.#tally.failed += 1;
    else this.#tally.unexpected.push(`${what}: ${status}`);
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }
}
