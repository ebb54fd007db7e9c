import { show } from '../show.js';
import { type Side, violation } from './report.js';
import { hasNoBody, type ResponseHead } from './response-head.js';

/**
 * The bytes of a response, counted against what its head says of them.
 *
 * A body on HEAD is found on the server's side. An application may answer HEAD as it answers GET: the server keeps the
 * header fields and strips the body (RFC 9110 section 9.3.2), so that every application answers HEAD right without
 * knowing of it, and middleware (one that counts bytes, say) sees the same response. But that body is for nobody and may
 * have no end: a server that reads on after the first chunk, which it may need to learn that the header fields are final,
 * breaks the rule.
 */
export class Content {
  readonly #isHead: boolean;
  #length = 0;
  #answeredHead = false;

  constructor(isHead: boolean) {
    this.#isHead = isHead;
  }

  /** Checks that these bytes may be part of the body. */
  add(data: Uint8Array, head: ResponseHead | undefined, side: Side): void {
    if (data.length === 0 || !head) return;
    if (hasNoBody(head.code) || head.code === RESET_CONTENT) {
      const rule = `a ${head.code} response has no body, but got ${show(data)}`;
      throw violation(side, rule, 'Other HTTP Features', data);
    }
    this.#length += data.length;
    const promised = this.#promised(head);
    if (promised === undefined || this.#length <= promised) return;
    const rule = `the body has grown to ${this.#length} bytes, its Content-Length is ${promised}`;
    throw violation(side, rule, SECTION, this.#length);
  }

  /** Notes a chunk that the server got. */
  noteChunk(chunk: Uint8Array): void {
    if (this.#isHead && chunk.length > 0) this.#answeredHead = true;
  }

  /** Checks that the server has a use for another chunk. */
  checkAsk(side: Side): void {
    if (!this.#answeredHead) return;
    const rule =
      'the body of an answer to HEAD was read on after its first chunk; send none of it, and close it';
    throw violation(side, rule, 'Other HTTP Features');
  }

  /** Checks that all that was promised has come. */
  checkEnd(head: ResponseHead, side: Side): void {
    const promised = this.#promised(head);
    if (promised === undefined || this.#length >= promised) return;
    const rule = `the body ended after ${this.#length} bytes, its Content-Length is ${promised}`;
    throw violation(side, rule, SECTION, this.#length);
  }

  // For HEAD and 304 it is the length of what GET or 200 would have answered: RFC 9110 section 8.6.
  #promised(head: ResponseHead): number | undefined {
    return this.#isHead || head.code === 304 ? undefined : head.contentLength;
  }
}

/** It has no content (RFC 9110 section 15.3.6), though a Content-Type and a Content-Length of 0 do no harm. */
const RESET_CONTENT = 205;

const SECTION = 'Handling the Content-Length Header';
