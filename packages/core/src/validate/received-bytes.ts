import { types } from 'node:util';
import { show } from '../show.js';
import { type Side, violation } from './report.js';

/**
 * What a server gives as a request's body: bytes, no more than were asked for, and none after the end.
 *
 * Source: PEP 3333, "Input and Error Streams".
 */
export class ReceivedBytes {
  readonly #side: Side;
  readonly #contentLength: number;
  #length = 0;
  #atEnd = false;

  /** @param side - who gives the body. */
  constructor(side: Side, contentLength: unknown) {
    this.#side = side;
    this.#contentLength = contentLength ? Number(contentLength) : Number.POSITIVE_INFINITY;
  }

  /** An answer to `read(size)`: `size` bytes; fewer are the end. */
  checkRead(data: unknown, size: number = -1): Uint8Array {
    const what = `input.read(${size < 0 ? '' : size})`;
    const bytes = this.#add(data, what);
    this.#checkSize(bytes, what, size);
    this.#atEnd ||= size < 0 || bytes.length < size;
    return bytes;
  }

  /** An answer to `read1(size)`: what has arrived, at most `size` bytes of it; nothing is the end. */
  checkSome(data: unknown, size: number = -1): Uint8Array {
    const what = `input.read1(${size < 0 ? '' : size})`;
    const bytes = this.#add(data, what);
    this.#checkSize(bytes, what, size);
    this.#atEnd ||= bytes.length === 0 && size !== 0;
    return bytes;
  }

  /** An answer to `readline(size)`: one line, or `size` bytes of it; a line without its end is the last. */
  checkLine(
    line: unknown,
    size: number = -1,
    what: string = `input.readline(${size < 0 ? '' : size})`,
  ): Uint8Array {
    const bytes = this.#add(line, what);
    this.#checkSize(bytes, what, size);
    const at = bytes.indexOf(NEWLINE);
    if (at !== -1 && at !== bytes.length - 1) {
      const rule = `${what} gave more than one line: ${show(bytes)}`;
      throw violation(this.#side, rule, SECTION, bytes);
    }
    this.#atEnd ||= at === -1 && bytes.length !== size;
    return bytes;
  }

  /** An answer to `readlines(hint)`. */
  checkLines(lines: unknown): Uint8Array[] {
    if (!Array.isArray(lines)) {
      const rule = `input.readlines() must give an array of lines, not ${show(lines)}`;
      throw violation(this.#side, rule, SECTION, lines);
    }
    return lines.map((line) => this.checkLine(line, -1, 'input.readlines()'));
  }

  #add(data: unknown, what: string): Uint8Array {
    if (!types.isUint8Array(data)) {
      const rule = `${what} must give a Uint8Array, not ${show(data)}`;
      throw violation(this.#side, rule, SECTION, data);
    }
    this.#length += data.length;
    if (this.#atEnd && data.length > 0) {
      throw violation(this.#side, `${what} gave bytes after the end: ${show(data)}`, SECTION, data);
    }
    if (this.#length > this.#contentLength) {
      const rule = `wsgi.input has given ${this.#length} bytes, CONTENT_LENGTH is ${this.#contentLength}`;
      throw violation(this.#side, rule, SECTION, this.#length);
    }
    return data;
  }

  #checkSize(data: Uint8Array, what: string, size: number): void {
    if (size < 0 || data.length <= size) return;
    throw violation(this.#side, `${what} gave ${data.length} bytes: ${show(data)}`, SECTION, data);
  }
}

const NEWLINE = 0x0a;
const SECTION = 'Input and Error Streams';
