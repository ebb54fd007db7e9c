import { type BodyReader, ChunkedBody, SizedBody } from './body.js';
import { parseField } from './fields.js';
import { CHUNKED, type Framing, FramingFields } from './framing.js';
import { defaultParserLimits, type ParserLimits } from './limits.js';
import { ProtocolError } from './protocol-error.js';
import { ReceiveBuffer } from './receive-buffer.js';
import { parseRequestLine, type RequestLine } from './request-line.js';

/** A request's line and fields. */
export interface RequestEvent extends RequestLine, Framing {
  readonly type: 'request';
  /** The line as sent, for the log. */
  readonly line: string;
  /**
   * Names and values alternately, as sent and in their order, like node:http's `rawHeaders`. Frozen: requests of one
   * connection whose header sections are the same, byte for byte and one after the other, share the array.
   */
  readonly rawHeaders: readonly string[];
}

/** A piece of a request's body, without any framing. */
export interface DataEvent {
  readonly type: 'data';
  readonly data: Buffer;
}

/** A request is over; the next may begin. */
export interface EndEvent {
  readonly type: 'end';
}

/** For each request: one `request`, any number of `data`, one `end`. */
export type ParserEvent = RequestEvent | DataEvent | EndEvent;

const END: EndEvent = { type: 'end' };

/** A header section that was read, and what it says. */
interface Section {
  /** As sent; `null` when it did not come in one piece. */
  readonly text: string | null;
  readonly rawHeaders: readonly string[];
  readonly framing: FramingFields;
}

/**
 * An HTTP/1 request parser without any I/O: bytes go in with `feed`, events come out of `next`.
 *
 * Events are pulled, so a pipelined request waits unparsed until its user asks for it, and a request that came
 * before a broken one is given out before the error is thrown. How the bytes were cut makes no difference.
 *
 * Source: RFC 9112, read strictly: where a message could be understood in two ways, it is refused.
 */
export class RequestParser {
  readonly #limits: ParserLimits;
  readonly #received = new ReceiveBuffer();
  #state: 'head' | 'body' | 'closed' = 'head';
  #failure: ProtocolError | null = null;

  #headSize = 0;
  #line: string | null = null;
  #requestLine: RequestLine | null = null;
  #framing = new FramingFields();
  #rawHeaders: string[] = [];
  /** The size of the head up to its fields. */
  #fieldsAt = 0;
  /**
   * The header section before this one. A client repeats it byte for byte, as a rule, and what was read and checked
   * once need not be again: the same bytes say the same.
   */
  #section: Section | null = null;

  #keepAlive = true;
  #body: BodyReader | null = null;

  constructor(limits: Partial<ParserLimits> = {}) {
    this.#limits = { ...defaultParserLimits, ...limits };
  }

  /** The line of the request that was asked for last; `null` while it has not been read. */
  get requestLine(): string | null {
    return this.#line;
  }

  /** Whether no part of a request is waiting: neither begun nor unread. */
  get isIdle(): boolean {
    return (
      this.#state !== 'body' &&
      this.#requestLine === null &&
      this.#received.isEmpty &&
      this.#received.partialLength === 0
    );
  }

  /** How many bytes were fed and have not been looked at. */
  get unread(): number {
    return this.#received.length;
  }

  /**
   * Takes the bytes that came next, or the first `length` of them. They are read where they are: a chunk may be written
   * over only after {@link keep}.
   */
  feed(chunk: Buffer, length: number = chunk.length): void {
    if (this.#state !== 'closed') this.#received.feed(chunk, length);
  }

  /** Copies what is left of the chunk that was fed last, so that it may be written over. */
  keep(): void {
    this.#received.keep();
  }

  /**
   * The next event; `null` when more bytes must arrive first, and for ever after a request that ends its
   * connection: what follows it is no request.
   *
   * @throws ProtocolError when the request must be refused, and again at every call after that.
   */
  next(): ParserEvent | null {
    if (this.#failure !== null) throw this.#failure;
    try {
      if (this.#state === 'head') return this.#nextHead();
      return this.#state === 'body' ? this.#nextOfBody() : null;
    } catch (error) {
      if (error instanceof ProtocolError) this.#fail(error);
      throw error;
    }
  }

  #nextHead(): RequestEvent | null {
    if (this.#requestLine === null) this.#line = null;
    for (;;) {
      const line = this.#received.readLine();
      this.#checkHeadSize(line);
      if (line === null) return null;
      if (this.#requestLine !== null) {
        if (line === '') return this.#finishSection(this.#requestLine);
        this.#addField(line);
      } else if (line !== '') {
        this.#line = line;
        const requestLine = parseRequestLine(line);
        const section = this.#repeatedSection();
        if (section !== null) return this.#finishHead(requestLine, section);
        this.#requestLine = requestLine;
        this.#fieldsAt = this.#headSize;
        this.#received.mark();
      }
      // An empty line before a request line is passed over: RFC 9112 section 2.2.
    }
  }

  #addField(line: string): void {
    const field = parseField(line);
    if (field.kind !== 'other') this.#framing.add(field);
    this.#rawHeaders.push(field.name, field.value);
    if (this.#rawHeaders.length > 2 * this.#limits.maxHeadersCount) {
      throw new ProtocolError(431, `more than ${this.#limits.maxHeadersCount} header fields`);
    }
  }

  #checkHeadSize(line: string | null): void {
    const limit = this.#limits.maxHeaderSize;
    const size = this.#headSize + (line === null ? this.#received.partialLength : line.length + 2);
    if (line !== null) this.#headSize = size;
    if (size <= limit) return;
    if (this.#requestLine === null) {
      throw new ProtocolError(414, `a request line over the limit of ${limit} bytes`);
    }
    throw new ProtocolError(431, `header fields over the limit of ${limit} bytes`);
  }

  /** The header section before this one, if it comes again. */
  #repeatedSection(): Section | null {
    const section = this.#section;
    if (section === null || section.text === null) return null;
    // A head that grows past its limit by its request line is read line by line, to be refused like any other.
    if (this.#headSize + section.text.length > this.#limits.maxHeaderSize) return null;
    return this.#received.passOver(section.text) ? section : null;
  }

  #finishSection(line: RequestLine): RequestEvent {
    const text = this.#received.sinceMark(this.#headSize - this.#fieldsAt);
    this.#section = { text, rawHeaders: Object.freeze(this.#rawHeaders), framing: this.#framing };
    this.#rawHeaders = [];
    this.#framing = new FramingFields();
    return this.#finishHead(line, this.#section);
  }

  #finishHead(line: RequestLine, { rawHeaders, framing }: Section): RequestEvent {
    const { bodyLength, keepAlive, expectContinue } = framing.conclude(line, this.#limits);
    const event: RequestEvent = {
      type: 'request',
      method: line.method,
      url: line.url,
      httpVersion: line.httpVersion,
      authority: line.authority,
      line: this.#line ?? '',
      rawHeaders,
      bodyLength,
      keepAlive,
      expectContinue,
    };
    this.#headSize = 0;
    this.#requestLine = null;
    this.#state = 'body';
    this.#keepAlive = keepAlive;
    this.#body = bodyLength === 0 ? null : this.#bodyReader(bodyLength);
    return event;
  }

  #bodyReader(length: number): BodyReader {
    return length === CHUNKED ? new ChunkedBody(this.#limits) : new SizedBody(length);
  }

  #nextOfBody(): DataEvent | EndEvent | null {
    if (this.#body !== null) {
      const data = this.#body.read(this.#received);
      if (data !== null) return { type: 'data', data };
      if (!this.#body.done) return null;
      this.#body = null;
    }
    this.#state = this.#keepAlive ? 'head' : 'closed';
    if (this.#state === 'closed') this.#received.clear();
    return END;
  }

  #fail(error: ProtocolError): void {
    this.#failure = error;
    this.#state = 'closed';
    this.#received.clear();
  }
}
