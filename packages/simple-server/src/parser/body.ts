import { parseChunkHeader } from './chunk-header.js';
import { parseField } from './fields.js';
import type { ParserLimits } from './limits.js';
import { ProtocolError } from './protocol-error.js';
import type { ReceiveBuffer } from './receive-buffer.js';

/** Reads one request's body off the received bytes. */
export interface BodyReader {
  /** Whether the body and all that belongs to it has been read. */
  readonly done: boolean;
  /** The next bytes; `null` when the body is done, or when more must arrive first. */
  read(received: ReceiveBuffer): Buffer | null;
}

/** A body as long as Content-Length says. */
export class SizedBody implements BodyReader {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  read(received: ReceiveBuffer): Buffer | null {
    const bytes = this.#left === 0 ? null : received.take(this.#left);
    if (bytes !== null) this.#left -= bytes.length;
    return bytes;
  }
}

/** A chunk's line may be this long; a size and the extensions that anyone uses need far less. */
const LONGEST_CHUNK_LINE = 1024;

/** All the extensions of a body may be this long together, or they could outweigh the body without end. */
const MOST_EXTENSION_BYTES = 16 * 1024;

/** Bytes of a chunk's line that are no extension. */
const PLAIN_CHUNK_LINE = 16;

/** A body in chunks, with trailer fields that are checked, bounded and dropped. RFC 9112 section 7.1. */
export class ChunkedBody implements BodyReader {
  done = false;
  readonly #limits: ParserLimits;
  #part: 'size' | 'data' | 'end of data' | 'trailers' = 'size';
  /** Bytes that the current chunk still owes. */
  #left = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #trailerCount = 0;

  constructor(limits: ParserLimits) {
    this.#limits = limits;
  }

  read(received: ReceiveBuffer): Buffer | null {
    while (!this.done) {
      if (this.#part === 'data') return this.#readData(received);
      const line = received.readLine();
      this.#checkLength(line === null ? received.partialLength : line.length);
      if (line === null) return null;
      this.#take(line);
    }
    return null;
  }

  #readData(received: ReceiveBuffer): Buffer | null {
    const bytes = received.take(this.#left);
    if (bytes !== null) this.#left -= bytes.length;
    if (this.#left === 0) this.#part = 'end of data';
    return bytes;
  }

  #take(line: string): void {
    if (this.#part === 'size') this.#takeSize(line);
    else if (this.#part === 'end of data') this.#part = 'size';
    else this.#takeTrailer(line);
  }

  #takeSize(line: string): void {
    this.#extensionBytes += Math.max(0, line.length - PLAIN_CHUNK_LINE);
    if (this.#extensionBytes > MOST_EXTENSION_BYTES) {
      throw new ProtocolError(
        400,
        `chunk extensions over the limit of ${MOST_EXTENSION_BYTES} bytes`,
      );
    }
    this.#left = parseChunkHeader(line);
    this.#part = this.#left === 0 ? 'trailers' : 'data';
  }

  /** A trailer that frames a message would be a second answer to a question that is settled: refused. */
  #takeTrailer(line: string): void {
    if (line === '') {
      this.done = true;
      return;
    }
    const { kind, name } = parseField(line);
    if (kind !== 'other') throw new ProtocolError(400, `${name} among the trailers`);
    this.#trailerBytes += line.length + 2;
    this.#trailerCount++;
    if (this.#trailerCount > this.#limits.maxHeadersCount) {
      throw new ProtocolError(431, `more than ${this.#limits.maxHeadersCount} trailer fields`);
    }
  }

  /** Checked while a line is still arriving, too: no line may grow without end. */
  #checkLength(length: number): void {
    if (this.#part === 'end of data') {
      if (length > 0) throw new ProtocolError(400, 'a chunk longer than its size');
    } else if (this.#part === 'size') {
      if (length > LONGEST_CHUNK_LINE) {
        throw new ProtocolError(
          400,
          `a chunk header over the limit of ${LONGEST_CHUNK_LINE} bytes`,
        );
      }
    } else if (this.#trailerBytes + length > this.#limits.maxHeaderSize) {
      throw new ProtocolError(
        431,
        `trailers over the limit of ${this.#limits.maxHeaderSize} bytes`,
      );
    }
  }
}
