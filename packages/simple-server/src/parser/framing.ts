import { consistsOf, DIGIT_CHARACTERS } from './characters.js';
import { type Field, trimmed } from './fields.js';
import { isHost } from './host.js';
import type { ParserLimits } from './limits.js';
import { ProtocolError, quote } from './protocol-error.js';
import type { RequestLine } from './request-line.js';

/** A body of unknown length, in chunks. */
export const CHUNKED = -1;

/** How a request's body is delimited, and what becomes of the connection after it. */
export interface Framing {
  /** Bytes of body: 0 without one; `CHUNKED` when only its chunks tell. */
  readonly bodyLength: number;
  readonly keepAlive: boolean;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectContinue: boolean;
}

/**
 * Gathers the fields that frame a message. Each of them is refused where two readers could understand it in
 * two ways: that is what request smuggling is made of.
 *
 * Source: RFC 9112 sections 3.2, 6 and 9; RFC 9110 sections 7.6.1, 8.6 and 10.1.1.
 */
export class FramingFields {
  host: string | null = null;
  #contentLength: string | null = null;
  #transferEncoding: string | null = null;
  #expect: string | null = null;
  #close = false;
  #keepAlive = false;
  /** What was concluded for each version: the fields of a section that repeats say the same again. */
  #modern: Framing | undefined;
  #old: Framing | undefined;

  add(field: Field): void {
    switch (field.kind) {
      case 'host':
        if (this.host !== null) throw repeated('Host');
        this.host = field.value;
        break;
      case 'content-length':
        if (this.#contentLength !== null) throw repeated('Content-Length');
        this.#contentLength = field.value;
        break;
      case 'transfer-encoding':
        if (this.#transferEncoding !== null) throw repeated('Transfer-Encoding');
        this.#transferEncoding = field.value;
        break;
      case 'expect':
        this.#expect = field.value;
        break;
      case 'connection':
        this.#addConnection(field.value);
        break;
    }
  }

  conclude(line: RequestLine, limits: ParserLimits): Framing {
    if (line.httpVersion === '1.1') {
      this.#modern ??= this.#concludeFor(true, limits);
      return this.#modern;
    }
    this.#old ??= this.#concludeFor(false, limits);
    return this.#old;
  }

  #concludeFor(isModern: boolean, limits: ParserLimits): Framing {
    this.#checkHost(isModern);
    const bodyLength = this.#bodyLength(isModern, limits);
    return {
      bodyLength,
      keepAlive: !this.#close && (isModern || this.#keepAlive),
      expectContinue: isModern && this.#expectsContinue() && bodyLength !== 0,
    };
  }

  #addConnection(value: string): void {
    if (value === 'keep-alive') {
      this.#keepAlive = true;
      return;
    }
    for (const option of value.toLowerCase().split(',')) {
      const name = trimmed(option);
      if (name === 'close') this.#close = true;
      else if (name === 'keep-alive') this.#keepAlive = true;
    }
  }

  #checkHost(isModern: boolean): void {
    if (this.host === null) {
      if (isModern) throw new ProtocolError(400, 'no Host header field');
    } else if (!isHost(this.host)) {
      throw new ProtocolError(400, `not a host: ${quote(this.host)}`);
    }
  }

  #bodyLength(isModern: boolean, limits: ParserLimits): number {
    if (this.#transferEncoding !== null) {
      if (this.#contentLength !== null) {
        throw new ProtocolError(400, 'both Content-Length and Transfer-Encoding');
      }
      if (!isModern) throw new ProtocolError(400, 'Transfer-Encoding on HTTP/1.0');
      if (this.#transferEncoding.toLowerCase() === 'chunked') return CHUNKED;
      throw new ProtocolError(
        501,
        `Transfer-Encoding may be chunked alone, not ${quote(this.#transferEncoding)}`,
      );
    }
    return this.#contentLength === null ? 0 : parseLength(this.#contentLength, limits);
  }

  #expectsContinue(): boolean {
    if (this.#expect === null) return false;
    if (this.#expect.toLowerCase() === '100-continue') return true;
    throw new ProtocolError(417, `an expectation that is not met: ${quote(this.#expect)}`);
  }
}

function parseLength(value: string, limits: ParserLimits): number {
  const length = consistsOf(DIGIT_CHARACTERS, value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(length)) {
    throw new ProtocolError(400, `not a Content-Length: ${quote(value)}`);
  }
  if (length > limits.maxBodySize) {
    throw new ProtocolError(
      413,
      `a body of ${length} bytes, over the limit of ${limits.maxBodySize}`,
    );
  }
  return length;
}

function repeated(name: string): ProtocolError {
  return new ProtocolError(400, `more than one ${name} header field`);
}
