import { types } from 'node:util';
import { expectRejection } from '../handlers/checks.js';
import { isPromise } from '../handlers/promise.js';
import { show } from '../show.js';
import { BlockBoundaries } from './block-boundaries.js';
import { Content } from './content.js';
import { type Section, type Side, violation } from './report.js';
import type { ResponseHead } from './response-head.js';

/**
 * One request and its response as one validator sees them: what was promised, and what has come of it.
 *
 * It never refers to the body that the server holds, so that a body which nobody closes can be collected, and be
 * reported then.
 */
export class Exchange {
  /** The request, for messages that are read without it. */
  readonly request: string;
  /** Whether `startResponse` was called at all, with good arguments or without. */
  startResponseCalled = false;
  /** Whether the application's own code is running, or waits for something. */
  working = false;
  /** What the last good call of `startResponse` announced. */
  head: ResponseHead | undefined;
  /** Where the server is in reading the body. */
  reading: 'not begun' | 'begun' | 'leaving' | 'left' | 'failed' | 'ended' = 'not begun';
  /** Whether the server has called `close()`. */
  closed = false;
  /** Whether all is done, the application's own `close()` included. */
  over = false;
  /** Puts the environ back as the caller gave it. */
  restore: (() => void) | undefined;

  readonly #outer: Exchange | undefined;
  readonly #inner: Exchange[] = [];
  readonly #content: Content;
  readonly #blocks: BlockBoundaries;
  #hasBody = false;

  /**
   * @param last - the exchange of the validator that saw the environ last, if there was one. It is the one around
   *   this if its application is at work now: middleware may also ask several applications one after the other.
   */
  constructor(method: unknown, path: unknown, last: Exchange | undefined) {
    this.request = `${String(method)} ${show(path)}`;
    this.#content = new Content(method === 'HEAD');
    let outer = last;
    while (outer !== undefined && !outer.working) outer = outer.#outer;
    this.#outer = outer;
    this.#blocks = new BlockBoundaries(outer === undefined ? undefined : outer.#blocks);
    if (outer !== undefined) outer.#inner.push(this);
  }

  /** Who called the application. */
  get caller(): Side {
    return this.#outer ? 'middleware' : 'server';
  }

  /** Who answered. What an inner validator let pass is the doing of the middleware around it. */
  get answerer(): Side {
    return this.#inner.length > 0 ? 'middleware' : 'application';
  }

  /** Whether the application may still begin a response and write. */
  get ended(): boolean {
    return this.closed || this.over || this.reading === 'ended';
  }

  /**
   * Whether the server ended the response while the application was at work on it, as it does when the client has gone.
   * The application may not know of it yet: what it calls then is no mistake, and for the server to answer.
   */
  get cutShort(): boolean {
    return this.working && (this.closed || this.over);
  }

  /** Whether nobody waits for the rest of the body: it was closed, or the body around it was. */
  get abandoned(): boolean {
    return this.closed || this.#outer?.abandoned === true;
  }

  /** Notes that there is no body, and that all is over. */
  fail(): void {
    this.working = false;
    this.end();
  }

  /** Notes that all is over. From here on the environ is the middleware's, or another application's that it asks. */
  end(): void {
    this.over = true;
    this.restore?.();
  }

  /** Notes that there is a body, which someone has to close. */
  returned(): void {
    this.#hasBody = true;
  }

  /** Checks what is given to `write`. */
  checkWrite(data: unknown): void {
    if (this.ended) throw this.#refuse('write() was called after the response had ended', WRITE);
    if (this.reading !== 'not begun') {
      const rule = 'write() was called while the returned body was being read; yield the bytes';
      throw this.#refuse(rule, WRITE);
    }
    if (!types.isUint8Array(data)) {
      throw this.#refuse(`write() takes a Uint8Array, not ${show(data)}`, WRITE, data);
    }
    this.#content.add(data, this.head, this.answerer);
  }

  /** Checks that the server may ask for a chunk now. */
  checkAsk(): void {
    if (this.closed) {
      throw violation(this.caller, 'a chunk was asked for after close()', 'Specification Details');
    }
    // Middleware may need all of the body, to make an ETag of it, as it does for GET.
    if (this.caller === 'server') this.#content.checkAsk(this.caller);
    if (this.reading === 'not begun') this.reading = 'begun';
  }

  /** Checks what the body is to be read with. */
  checkIterator(iterator: unknown): void {
    if (typeof Object(iterator).next === 'function') return;
    const rule = `the body's iterator must be an object with a method next(), not ${show(iterator)}`;
    throw this.#refuse(rule, 'Specification Details', iterator);
  }

  /** Checks that what the body's iterator has answered is a step. An iterator that does not wait gives no promise. */
  checkResult(result: unknown): void {
    if (typeof result === 'object' && result !== null && !isPromise(result)) return;
    const rule = `the body's iterator must answer next() with { done, value }, not ${show(result)}`;
    throw this.#refuse(rule, 'Specification Details', result);
  }

  /** Checks a step of the body. */
  checkStep(step: IteratorResult<unknown, unknown>): void {
    if (step.done) this.#checkEnd();
    else this.#checkChunk(step.value);
  }

  /** Notes that no more chunks are asked for, though there might be some. */
  leave(reading: 'leaving' | 'left' | 'failed'): void {
    if (this.reading !== 'ended' && this.reading !== 'failed') this.reading = reading;
  }

  #checkChunk(chunk: unknown): void {
    if (!types.isUint8Array(chunk)) {
      const rule = `a chunk of the body must be a Uint8Array, not ${show(chunk)}`;
      throw this.#refuse(rule, 'Specification Details', chunk);
    }
    if (!this.head && chunk.length > 0) {
      const rule = `the body yielded ${show(chunk)} before startResponse() was called`;
      throw this.#refuse(rule, 'The start_response() Callable', chunk);
    }
    this.#content.add(chunk, this.head, this.answerer);
    this.#blocks.countYield();
    this.#content.noteChunk(chunk);
  }

  #checkEnd(): void {
    this.reading = 'ended';
    // The client has gone, and the application has seen it: nobody waits for what is missing now.
    if (this.abandoned) return;
    if (!this.head) {
      const rule = 'the body ended, and startResponse() was never called';
      throw this.#refuse(rule, 'The start_response() Callable');
    }
    this.#blocks.checkEnd();
    this.#content.checkEnd(this.head, this.answerer);
  }

  /**
   * Checks that the bodies which the middleware got are closed by the time its own is.
   *
   * A generator's cleanup runs when it ends or is left. Where the server closes before it leaves, or leaves on account
   * of an error, it is too early to tell: what is never closed is reported when it is collected.
   */
  checkInnerClosed(): void {
    if (['begun', 'leaving', 'failed'].includes(this.reading)) return;
    const open = this.#inner.find((inner) => inner.#hasBody && !inner.closed);
    if (!open) return;
    const rule = `the body that answered ${open.request} to the middleware was not closed`;
    throw violation('middleware', rule, 'Specification Details');
  }

  #refuse(rule: string, section: Section, actual?: unknown) {
    expectRejection(actual);
    return violation(this.answerer, rule, section, actual);
  }
}

const WRITE = 'The write() Callable';
