/** Standard input and output as a CGI script has them. */
import type { Writable } from 'node:stream';
import { LONGEST_DRAIN, MOST_DRAINED } from '../drain-limits.js';
import { type ByteSource, emptySource, LengthSource, ReadableSource } from '../streams/index.js';

/**
 * The request's body, on standard input.
 *
 * Standard input may be the connection itself and not end where the body does: CONTENT_LENGTH says how much of it
 * may be read, and without one there is nothing (RFC 3875 section 4.2). Only Apache goes further: a body that
 * came in chunks has no length, and its end is the end of standard input.
 */
export class CGIBody implements ByteSource {
  readonly #source: ByteSource;
  #stdin: ReadableSource | undefined;

  constructor(environ: Readonly<Record<string, string>>) {
    const length = environ['CONTENT_LENGTH'] ?? '';
    const stdin: ByteSource = { pull: () => this.#pullStdin() };
    if (/^\d+$/.test(length)) this.#source = new LengthSource(stdin, Number(length));
    else if (length === '' && isChunked(environ)) this.#source = stdin;
    else this.#source = emptySource;
  }

  pull(): Uint8Array | null | Promise<Uint8Array | null> {
    return this.#source.pull();
  }

  /** Standard input is not opened before somebody reads: many a request has no body. */
  #pullStdin(): Uint8Array | null | Promise<Uint8Array | null> {
    this.#stdin ??= new ReadableSource(process.stdin);
    return this.#stdin.pull();
  }

  /**
   * Takes in and drops what is left of the body, within bounds. A web server may write all of it before it reads the
   * response; and where standard input and output are one socket (Apache), ending with unread bytes resets that
   * socket, and the response is lost.
   *
   * @returns undefined when nothing is left, else a promise.
   */
  drain(): Promise<void> | undefined {
    if (this.#stdin !== undefined) {
      this.#stdin.release();
      // Another: what was let go of gives nothing more, and a read that waits in it shall get none of this.
      this.#stdin = new ReadableSource(process.stdin);
    }
    try {
      const pulled = this.pull();
      return pulled === null ? undefined : this.#drain(pulled);
    } catch {
      // Standard input has ended, if before the body did: there is nothing to take in.
      return undefined;
    }
  }

  async #drain(first: Uint8Array | Promise<Uint8Array | null>): Promise<void> {
    const timer = setTimeout(() => this.release(), LONGEST_DRAIN);
    try {
      let left = MOST_DRAINED;
      for (let chunk = await first; chunk !== null && left > 0; chunk = await this.pull()) {
        left -= chunk.length;
      }
    } catch {
      // The client has gone, or took too long: nobody waits for the rest.
    }
    clearTimeout(timer);
  }

  /** Stops reading, so that a body nobody wants does not keep the process from ending. */
  release(): void {
    if (this.#stdin === undefined) return;
    process.stdin.destroy();
    this.#stdin.release();
  }
}

function isChunked(environ: Readonly<Record<string, string>>): boolean {
  return environ['HTTP_TRANSFER_ENCODING']?.toLowerCase() === 'chunked';
}

/** Waits until a stream has passed on all it was given, or cannot; undefined when there is nothing to wait for. */
export function untilFlushed(stream: Writable): Promise<void> | undefined {
  if (stream.writableLength === 0 || stream.destroyed) return undefined;
  return new Promise((resolve) => {
    stream.once('close', resolve);
    stream.write('', () => resolve());
  });
}
