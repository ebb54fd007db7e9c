import { types } from 'node:util';
import { expectError, isAsync, release } from '../handlers/body.js';
import { expectRejection } from '../handlers/checks.js';
import { isPromise } from '../handlers/promise.js';
import { show } from '../show.js';
import type { AsyncResponseBody, ResponseBody, SyncResponseBody } from '../types.js';
import { AsyncChunks, SyncChunks } from './chunks.js';
import type { Exchange } from './exchange.js';
import { type Section, violation, warn } from './report.js';

/**
 * The body as the server gets it: it checks each step of the iteration, and `close()`.
 *
 * What can be iterated without waiting still can, but for a `FileWrapper`, whose file may make it wait. Whatever the
 * application returned, the server gets an object that is no array and no `FileWrapper`, as with wsgiref's validator:
 * it cannot see how long the body is, and does not set a Content-Length of its own or send a file by a way of its own.
 *
 * Source: PEP 3333, "Specification Details".
 */
export function validateBody(exchange: Exchange, result: unknown): ResponseBody {
  const body = checkBody(exchange, result);
  exchange.returned();
  return isAsync(body) ? new AsyncBody(exchange, body) : new SyncBody(exchange, body);
}

const SECTION: Section = 'Specification Details';

function checkBody(exchange: Exchange, result: unknown): ResponseBody {
  // Both are iterable by accident: by characters, and by numbers.
  if (typeof result === 'string' || types.isUint8Array(result)) {
    const rule = `the body must be an iterable of Uint8Arrays, not ${show(result)} itself; return it in an array`;
    throw violation(exchange.answerer, rule, SECTION, result);
  }
  if (!isBody(result)) {
    const rule = `the application must return an iterable, if only an empty array, not ${show(result)}`;
    throw violation(exchange.answerer, rule, SECTION, result);
  }
  if (result.close !== undefined && typeof result.close !== 'function') {
    const rule = `the body's close must be a method, not ${show(result.close)}`;
    throw violation(exchange.answerer, rule, SECTION, result.close);
  }
  return result;
}

function isBody(result: unknown): result is ResponseBody {
  if (typeof result !== 'object' || result === null) return false;
  const asynchronous = Symbol.asyncIterator in result && result[Symbol.asyncIterator];
  const synchronous = Symbol.iterator in result && result[Symbol.iterator];
  return typeof (asynchronous || synchronous) === 'function';
}

// It is told of the exchange, not of the body: a body that it held would never be collected.
const unclosed = new FinalizationRegistry((exchange: Exchange) => {
  warn(exchange.caller, `the body that answered ${exchange.request} was never closed`, SECTION);
});

abstract class Body<Source extends ResponseBody> {
  protected readonly exchange: Exchange;
  protected readonly source: Source;
  #iterated = false;

  constructor(exchange: Exchange, source: Source) {
    this.exchange = exchange;
    this.source = source;
    expectError(source);
    // What is wrong with the first of them, the server is told; it does not ask for the others.
    if (Array.isArray(source)) source.forEach(expectRejection);
    unclosed.register(this, exchange, this);
  }

  close(): void | Promise<void> {
    const { exchange } = this;
    if (exchange.closed) throw violation(exchange.caller, 'close() was called twice', SECTION);
    exchange.closed = true;
    unclosed.unregister(this);
    const closing = this.#closeSource();
    if (isPromise(closing)) return this.#closeLater(closing);
    exchange.end();
    exchange.checkInnerClosed();
  }

  #closeSource(): unknown {
    try {
      return release(this.source);
    } catch (error) {
      this.exchange.end();
      throw error;
    }
  }

  async #closeLater(closing: PromiseLike<unknown>): Promise<void> {
    try {
      await closing;
    } finally {
      this.exchange.end();
    }
    this.exchange.checkInnerClosed();
  }

  protected checkIteratedOnce(): void {
    const { caller } = this.exchange;
    if (this.#iterated) throw violation(caller, 'the body was iterated twice', SECTION);
    this.#iterated = true;
  }
}

class SyncBody extends Body<SyncResponseBody> implements SyncResponseBody {
  [Symbol.iterator](): Iterator<Uint8Array> {
    this.checkIteratedOnce();
    const iterator = this.source[Symbol.iterator]();
    this.exchange.checkIterator(iterator);
    return new SyncChunks(this.exchange, iterator);
  }
}

class AsyncBody extends Body<AsyncResponseBody> implements AsyncResponseBody {
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.checkIteratedOnce();
    const iterator = this.source[Symbol.asyncIterator]();
    this.exchange.checkIterator(iterator);
    return new AsyncChunks(this.exchange, iterator);
  }
}
