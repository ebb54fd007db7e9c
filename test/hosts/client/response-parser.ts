import type { ResponseHead } from './types.ts';

interface Events {
  /** Whether the request that this response answers was HEAD. */
  isHead(): boolean;
  onInformational(status: number): void;
  onHead(head: ResponseHead): void;
  onData(chunk: Buffer): void;
  onEnd(complete: boolean): void;
}

type State = 'head' | 'length' | 'size' | 'chunk' | 'crlf' | 'trailer' | 'close';

/**
 * A strict parser of HTTP/1 responses (RFC 9112). Unlike Node's client it tells how the body was framed and whether it
 * came whole, and it throws on bytes that no response owns.
 */
export class ResponseParser {
  #events: Events;
  #state: State = 'head';
  #left = 0;
  #held: Buffer = Buffer.alloc(0);

  constructor(events: Events) {
    this.#events = events;
  }

  feed(data: Buffer): void {
    this.#held = this.#held.length === 0 ? data : Buffer.concat([this.#held, data]);
    while (this.#held.length > 0 && this.#step());
  }

  /** The server closed: `clean` with a FIN, else with a reset. */
  end(clean: boolean): void {
    const betweenResponses = this.#state === 'head' && this.#held.length === 0;
    if (!betweenResponses) this.#events.onEnd(clean && this.#state === 'close');
  }

  #take(size: number): Buffer {
    const taken = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }

  #line(): string | undefined {
    const at = this.#held.indexOf('\r\n');
    if (at < 0) return undefined;
    const line = this.#take(at).toString('latin1');
    this.#take(2);
    return line;
  }

  #finish(): boolean {
    this.#state = 'head';
    this.#events.onEnd(true);
    return true;
  }

  /** Does one step; false when more bytes are needed. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#stepHead();
      case 'length':
      case 'chunk': {
        const part = this.#take(this.#left);
        this.#left -= part.length;
        this.#events.onData(part);
        if (this.#left > 0) return false;
        if (this.#state === 'length') return this.#finish();
        this.#state = 'crlf';
        return true;
      }
      case 'crlf':
        if (this.#held.length < 2) return false;
        if (this.#line() !== '') throw new Error('a chunk is longer than its size says');
        this.#state = 'size';
        return true;
      case 'size': {
        const line = this.#line();
        if (line === undefined) return false;
        if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`bad chunk size ${JSON.stringify(line)}`);
        this.#left = Number.parseInt(line, 16);
        this.#state = this.#left === 0 ? 'trailer' : 'chunk';
        return true;
      }
      case 'trailer': {
        const line = this.#line();
        if (line === undefined) return false;
        return line === '' ? this.#finish() : true;
      }
      case 'close':
        this.#events.onData(this.#take(this.#held.length));
        return false;
    }
  }

  #stepHead(): boolean {
    const end = this.#held.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [statusLine = '', ...lines] = this.#take(end).toString('latin1').split('\r\n');
    this.#take(4);
    const match = /^HTTP\/1\.[01] ([1-5]\d\d) (.*)$/.exec(statusLine);
    if (match === null) throw new Error(`bad status line ${JSON.stringify(statusLine)}`);
    const status = Number(match[1]);
    const headers = lines.map((line): [string, string] => {
      const field = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*(.*?)[ \t]*$/.exec(line);
      if (field === null) throw new Error(`bad header line ${JSON.stringify(line)}`);
      return [(field[1] ?? '').toLowerCase(), field[2] ?? ''];
    });
    if (status < 200) {
      this.#events.onInformational(status);
      return true;
    }
    const value = (name: string) => headers.find(([n]) => n === name)?.[1];
    const coding = value('transfer-encoding');
    const length = value('content-length');
    if (coding !== undefined && length !== undefined) throw new Error('both codings of length');
    const bodiless = this.#events.isHead() || status === 204 || status === 304;
    this.#events.onHead({ status, reason: match[2] ?? '', headers });
    // RFC 9112 section 6.3: what ends the body.
    if (bodiless) return this.#finish();
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw new Error(`unknown coding ${coding}`);
      this.#state = 'size';
      return true;
    }
    if (length === undefined) {
      this.#state = 'close';
      return true;
    }
    if (!/^\d+$/.test(length)) throw new Error(`bad Content-Length ${JSON.stringify(length)}`);
    this.#left = Number(length);
    if (this.#left === 0) return this.#finish();
    this.#state = 'length';
    return true;
  }
}
