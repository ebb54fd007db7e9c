import { ClientDisconnectedError, PayloadTooLargeError, someCause } from '../errors.js';
import { show } from '../show.js';
import type { InputStream } from '../types.js';

/** Where a {@link BodyInput} gets its bytes: the transport, asked for one chunk at a time. */
export interface ByteSource {
  /**
   * The next chunk, or `null` at the end of the body.
   *
   * Rejects, with an error whose `code` is `ECONNRESET`, when the client has gone before the end.
   */
  pull(): Uint8Array | null | Promise<Uint8Array | null>;
}

/** What a {@link BodyInput} takes. */
export interface BodyInputOptions {
  /** The most bytes that the body may hold; a longer one rejects the read. Default: no limit. */
  limit?: number;
}

const EMPTY = new Uint8Array(0);
const NEWLINE = 0x0a;

/**
 * `wsgi.input` over any source of chunks.
 *
 * It pulls only what a read needs, so a body that is not read is not taken off the socket. Reads that overlap
 * are answered in the order of the calls. A promise that nobody awaits never becomes an unhandled rejection.
 *
 * Source: PEP 3333, "Input and Error Streams".
 */
export class BodyInput implements InputStream {
  readonly #source: ByteSource;
  readonly #limit: number;
  /** Chunks that were pulled and not yet handed out, from `#first` on; `#offset` bytes of that one are used. */
  #chunks: Uint8Array[] = [];
  #first = 0;
  #offset = 0;
  #buffered = 0;
  #received = 0;
  #ended = false;
  #over = false;
  #failure: { error: unknown } | undefined;
  #last: Promise<unknown> | undefined;

  constructor(source: ByteSource, options: BodyInputOptions = {}) {
    this.#source = source;
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY;
  }

  read(size?: number): Promise<Uint8Array> {
    const count = checkSize('read', size);
    return this.#inOrder(() => (count < 0 ? this.#readAll() : this.#readExactly(count)));
  }

  /**
   * What has arrived, at most `size` bytes of it, waiting only when nothing has; empty at the end.
   *
   * Python's `BufferedReader.read1`: it lets a body be passed on as it comes, without copying.
   */
  read1(size?: number): Promise<Uint8Array> {
    const count = checkSize('read1', size);
    return this.#inOrder(async () => {
      if (count === 0) return EMPTY;
      // An empty chunk is not the end.
      while (this.#buffered === 0 && (await this.#pull()));
      const head = this.#chunks[this.#first];
      if (head === undefined) return EMPTY;
      const available = head.length - this.#offset;
      return this.#take(count < 0 ? available : Math.min(count, available));
    });
  }

  readline(size?: number): Promise<Uint8Array> {
    const count = checkSize('readline', size);
    return this.#inOrder(() => this.#readLine(count));
  }

  readlines(hint?: number): Promise<Uint8Array[]> {
    const enough = checkSize('readlines', hint);
    return this.#inOrder(async () => {
      const lines: Uint8Array[] = [];
      let total = 0;
      for (;;) {
        const line = await this.#readLine(-1);
        if (line.length === 0) return lines;
        lines.push(line);
        total += line.length;
        if (enough > 0 && total >= enough) return lines;
      }
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const line = await this.readline();
      if (line.length === 0) return;
      yield line;
    }
  }

  /** Whether the body has been read to its end. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the body was found longer than the limit. */
  get tooLarge(): boolean {
    return this.#failure?.error instanceof PayloadTooLargeError;
  }

  /** Ends the stream with the response: what is read after it is the application's mistake. */
  end(): void {
    this.#over = true;
  }

  /** Ends the stream from the host's side: every read from here on rejects with `error`. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Whether `error` is what the stream has failed with. */
  failedWith(error: unknown): boolean {
    return this.#failure?.error === error;
  }

  /** Runs one read after those before it, so that bytes never change places. */
  #inOrder<T>(task: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const result = before === undefined ? task() : before.then(task, task);
    this.#last = result;
    result.then(
      () => this.#settled(result),
      () => this.#settled(result),
    );
    return result;
  }

  #settled(result: Promise<unknown>): void {
    if (this.#last === result) this.#last = undefined;
  }

  /** Gets one more chunk into the buffer; false at the end of the body. */
  async #pull(): Promise<boolean> {
    this.#throwFailure();
    if (this.#ended) return false;
    let chunk: Uint8Array | null;
    try {
      chunk = await this.#source.pull();
    } catch (error) {
      this.fail(error);
      throw error;
    }
    this.#throwFailure();
    if (chunk === null) {
      this.#ended = true;
      return false;
    }
    this.#received += chunk.length;
    if (this.#received > this.#limit) {
      this.fail(new PayloadTooLargeError(this.#limit));
      this.#throwFailure();
    }
    if (chunk.length > 0) {
      this.#chunks.push(chunk);
      this.#buffered += chunk.length;
    }
    return true;
  }

  #throwFailure(): void {
    if (this.#over) throw new Error('wsgi.input cannot be read once the response is over');
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #readAll(): Promise<Uint8Array> {
    while (await this.#pull());
    return this.#take(this.#buffered);
  }

  async #readExactly(size: number): Promise<Uint8Array> {
    while (this.#buffered < size && (await this.#pull()));
    return this.#take(Math.min(size, this.#buffered));
  }

  async #readLine(size: number): Promise<Uint8Array> {
    const most = size < 0 ? Number.POSITIVE_INFINITY : size;
    // Chunks up to `next`, `scanned` bytes in all, are known to hold no newline: each byte is looked at once.
    let next = this.#first;
    let scanned = 0;
    while (scanned < most) {
      const chunk = this.#chunks[next];
      if (chunk === undefined) {
        if (!(await this.#pull())) break;
        continue;
      }
      const start = next === this.#first ? this.#offset : 0;
      const found = chunk.indexOf(NEWLINE, start);
      if (found >= 0) return this.#take(Math.min(most, scanned + found - start + 1));
      scanned += chunk.length - start;
      next += 1;
    }
    return this.#take(Math.min(most, this.#buffered));
  }

  /** Removes exactly `count` buffered bytes; a view where one chunk holds them, a copy where several do. */
  #take(count: number): Uint8Array {
    if (count === 0) return EMPTY;
    this.#buffered -= count;
    const head = this.#chunks[this.#first];
    if (head !== undefined && head.length - this.#offset > count) {
      const start = this.#offset;
      this.#offset += count;
      return head.subarray(start, start + count);
    }
    const parts: Uint8Array[] = [];
    for (let left = count; left > 0; ) {
      const chunk = this.#chunks[this.#first];
      if (chunk === undefined) break;
      const part = chunk.subarray(this.#offset, this.#offset + left);
      parts.push(part);
      left -= part.length;
      this.#offset += part.length;
      if (this.#offset === chunk.length) this.#dropFirst();
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, count);
  }

  /** Forgets the first chunk; the array is cut only now and then, so that many small chunks stay cheap. */
  #dropFirst(): void {
    this.#chunks[this.#first] = EMPTY;
    this.#first += 1;
    this.#offset = 0;
    if (this.#first === this.#chunks.length) {
      this.#chunks = [];
      this.#first = 0;
    } else if (this.#first >= 1024) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

/**
 * Whether an error, or a cause of it, says that the client of the request with this input has gone. An error from the
 * input of another request means that one's client; only a {@link BodyInput} can tell whether an error is its own.
 */
export function saysClientLeft(error: unknown, input: unknown): boolean {
  const isOurs = (cause: Error): boolean =>
    !(input instanceof BodyInput) || input.failedWith(cause);
  return someCause(error, (cause) => cause instanceof ClientDisconnectedError && isOurs(cause));
}

/** A size as the caller gave it, checked; -1 for none or a negative one, which mean "all". */
function checkSize(method: string, size: number | null | undefined): number {
  if (size === undefined || size === null) return -1;
  if (!Number.isInteger(size)) {
    throw new TypeError(
      `wsgi.input.${method}(size): size must be an integer number of bytes, not ${show(size)}; leave it out to read all`,
    );
  }
  return Math.max(-1, size);
}

/** A body without a byte in it. */
export const emptySource: ByteSource = { pull: () => null };
