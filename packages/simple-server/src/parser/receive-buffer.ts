import { ProtocolError } from './protocol-error.js';

const LF = 10;

/** Text is decoded in steps of this many bytes, so that a large body behind a short head is left alone. */
const WINDOW = 4096;

const EMPTY = Buffer.alloc(0);

/** 1: a byte that may stand in a line. RFC 9110 section 5.5: no control character but HTAB. */
const LINE_BYTES = new Uint8Array(256).fill(1, 32);
LINE_BYTES[9] = 1;
LINE_BYTES[127] = 0;

/**
 * The received bytes, to be read as lines (heads, chunk sizes, trailers) or as they are (bodies).
 *
 * However the bytes were cut into chunks, the same lines come out: what is left of a line when a chunk ends is
 * kept as text, and nothing is scanned twice.
 */
export class ReceiveBuffer {
  /** What is left is `#chunk[#at, #end)`. */
  #chunk: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  /** Whether the chunk's memory belongs to the caller, who will write over it. */
  #isLent = false;
  /** `#chunk[#windowStart, #windowEnd)` in latin-1. */
  #window = '';
  #windowStart = 0;
  #windowEnd = 0;
  /** The beginning of a line whose end has not arrived; without its CR, which `#carriageReturn` stands for. */
  #partial = '';
  #carriageReturn = false;
  /** The text and the place in it that {@link mark} was called at. */
  #marked = '';
  #markedAt = 0;

  /** Takes the first `length` bytes of a chunk, which is not to be written over before {@link keep} has been called. */
  feed(chunk: Buffer, length: number): void {
    this.#isLent = this.isEmpty;
    if (this.#isLent) {
      this.#chunk = chunk;
      this.#end = length;
    } else {
      this.#chunk = Buffer.concat([this.#left(), chunk.subarray(0, length)]);
      this.#end = this.#chunk.length;
    }
    this.#at = 0;
    this.#closeWindow();
  }

  /** Copies what is left of a chunk that is lent. */
  keep(): void {
    if (!this.#isLent || this.isEmpty) return;
    this.#isLent = false;
    this.#chunk = Buffer.from(this.#left());
    this.#at = 0;
    this.#end = this.#chunk.length;
    this.#closeWindow();
  }

  /** Bytes of an unfinished line, but for its CR. */
  get partialLength(): number {
    return this.#partial.length;
  }

  /** Whether every byte has been read or is part of an unfinished line. */
  get isEmpty(): boolean {
    return this.#at === this.#end;
  }

  /** How many bytes have not been read, but for an unfinished line. */
  get length(): number {
    return this.#end - this.#at;
  }

  /**
   * The next line without its CRLF; `null` when its end has not arrived.
   *
   * @throws ProtocolError (400) at a CR or LF that is not part of a CRLF, and at any other control character
   *   but HTAB. RFC 9112 section 2.2 would let a bare LF end a line; smuggling attacks live on that.
   */
  readLine(): string | null {
    while (this.#at < this.#end) {
      if (this.#at >= this.#windowEnd) this.#openWindow();
      if (this.#carriageReturn) return this.#finishLine();
      const from = this.#at - this.#windowStart;
      const cr = this.#window.indexOf('\r', from);
      const to = cr === -1 ? this.#window.length : cr;
      this.#checkBytes(this.#at, this.#windowStart + to);
      if (this.#partial === '' && this.#window.charCodeAt(to + 1) === LF) {
        const line = this.#window.slice(from, to);
        this.#advance(this.#windowStart + to + 2);
        return line;
      }
      this.#partial += this.#window.slice(from, to);
      this.#carriageReturn = cr !== -1;
      this.#advance(this.#windowStart + to + (cr === -1 ? 0 : 1));
    }
    return null;
  }

  /** Up to `most` bytes as they are; `null` when none are here. Only to be called between lines. */
  take(most: number): Buffer | null {
    if (this.isEmpty) return null;
    const end = Math.min(this.#end, this.#at + most);
    const bytes = this.#chunk.subarray(this.#at, end);
    const own = this.#isLent ? Buffer.from(bytes) : bytes;
    this.#advance(end);
    return own;
  }

  /** Remembers this place, for `sinceMark`. Only to be called between lines. */
  mark(): void {
    this.#marked = this.#window;
    this.#markedAt = this.#at - this.#windowStart;
  }

  /** The text of the `length` bytes that have been read since the mark; `null` when they did not come in one piece. */
  sinceMark(length: number): string | null {
    const end = this.#markedAt + length;
    const text = end <= this.#marked.length ? this.#marked.slice(this.#markedAt, end) : null;
    this.#marked = '';
    return text;
  }

  /** Passes over bytes if just these come next, and are here to the last one. Only to be called between lines. */
  passOver(text: string): boolean {
    const from = this.#at - this.#windowStart;
    // A part that is compared: `startsWith` looks at one character after the other.
    if (this.#window.slice(from, from + text.length) !== text) return false;
    this.#advance(this.#at + text.length);
    return true;
  }

  /** Forgets what is left. */
  clear(): void {
    this.#partial = '';
    this.#carriageReturn = false;
    this.#advance(this.#end);
  }

  #left(): Buffer {
    return this.#chunk.subarray(this.#at, this.#end);
  }

  #finishLine(): string {
    if (this.#chunk[this.#at] !== LF) throw new ProtocolError(400, 'a CR without its LF');
    const line = this.#partial;
    this.#partial = '';
    this.#carriageReturn = false;
    this.#advance(this.#at + 1);
    return line;
  }

  #checkBytes(from: number, to: number): void {
    const chunk = this.#chunk;
    for (let at = from; at < to; at++) {
      if (LINE_BYTES[chunk[at] ?? 0] !== 1) throw unfitByte(chunk[at] ?? 0);
    }
  }

  #openWindow(): void {
    this.#windowStart = this.#at;
    this.#windowEnd = Math.min(this.#end, this.#at + WINDOW);
    this.#window = this.#chunk.toString('latin1', this.#windowStart, this.#windowEnd);
  }

  #closeWindow(): void {
    this.#windowStart = 0;
    this.#windowEnd = 0;
    this.#window = '';
  }

  /** Moves on, and lets go of a chunk that is used up: an idle connection holds no bytes. */
  #advance(to: number): void {
    this.#at = to;
    if (to < this.#end) return;
    this.#chunk = EMPTY;
    this.#at = 0;
    this.#end = 0;
    this.#closeWindow();
  }
}

function unfitByte(byte: number): ProtocolError {
  if (byte === LF) return new ProtocolError(400, 'an LF without its CR');
  return new ProtocolError(400, `the control character 0x${byte.toString(16).padStart(2, '0')}`);
}
