import { show } from '../show.js';
import type { AsyncResponseBody, ResponseBody } from '../types.js';
import { isFileHandle, isWholeFile } from '../util/file-wrapper.js';
import { checkChunk, expectRejection } from './checks.js';
import { isPromise } from './promise.js';

/** One step of a body: what should be a chunk, or the end. */
export type Step = IteratorResult<Uint8Array, unknown>;

const END: Step = { done: true, value: undefined };

/** An iterator that may answer with promises, or not, step by step. */
interface Source {
  next(): Step | PromiseLike<Step>;
  return?(): unknown;
}

/**
 * Steps through a body and sees to its end: what was begun is finished, and `close()` is called exactly once.
 *
 * Source: PEP 3333, "Specification Details" (close) and ECMAScript's iterator protocol (return).
 */
export class BodyReader {
  readonly #body: ResponseBody;
  #iterator: Source | undefined;
  /** No more steps: the iterator said so, or threw, and so needs no `return()`. */
  #exhausted = false;
  #stepping = false;
  #waiting = false;
  #closed = false;
  #closing: Promise<void> | undefined;
  /** The body, if it is an array: no iterator is needed for the most common of bodies. */
  readonly #array: readonly Uint8Array[] | undefined;
  /** Where in it the next step is. */
  #index = 0;

  constructor(body: ResponseBody) {
    this.#body = body;
    if (isArray(body)) this.#array = body;
    else expectError(body);
  }

  /** True when it is known that there are no more steps: after the last element of an array. */
  get atEnd(): boolean {
    return this.#array !== undefined && this.#index >= this.#array.length;
  }

  /** The next step; a promise where the body is asynchronous. */
  next(): Step | Promise<Step> {
    const array = this.#array;
    if (array !== undefined) {
      if (this.#index >= array.length) return END;
      const value = array[this.#index];
      checkChunk(value);
      this.#index += 1;
      return { done: false, value };
    }
    this.#iterator ??= iterate(this.#body);
    this.#stepping = true;
    try {
      const step = this.#iterator.next();
      if (isPromise(step)) return this.#settle(step);
      checkStep(step);
      if (step.done) this.#exhausted = true;
      return step;
    } catch (error) {
      this.#exhausted = true;
      throw error;
    } finally {
      this.#stepping = false;
    }
  }

  async #settle(pending: PromiseLike<Step>): Promise<Step> {
    this.#waiting = true;
    try {
      const step = await pending;
      checkStep(step);
      if (step.done) this.#exhausted = true;
      return step;
    } catch (error) {
      this.#exhausted = true;
      throw error;
    } finally {
      this.#waiting = false;
    }
  }

  /** True while the body's own code runs: a generator cannot be closed then. */
  get stepping(): boolean {
    return this.#stepping;
  }

  /**
   * Ends the body: the iterator's `return()` if it was left unfinished, then the body's `close()`.
   *
   * A second call gives the first one's promise. `report` takes what either throws; this method never does.
   */
  close(report: (error: unknown) => void): Promise<void> | undefined {
    if (this.#closed) return this.#closing;
    this.#closed = true;
    // Nobody asked for a chunk, so nobody was told what is wrong with it.
    if (this.#iterator === undefined) expectError(this.#body, report);
    while (!this.atEnd && this.#array !== undefined) expectRejection(this.#array[this.#index++]);
    const iterator = this.#exhausted ? undefined : this.#iterator;
    const returned = iterator && attempt(() => iterator.return?.(), report);
    // A generator that waits for something of its own answers `return()` only after that, and `close()` may be
    // what it waits for: so `close()` is called at once, and such a `return()` is not waited for.
    const closed = attempt(() => release(this.#body), report);
    const waits = this.#waiting ? undefined : returned;
    if (waits !== undefined && closed !== undefined) {
      this.#closing = Promise.all([waits, closed]).then(() => undefined);
    } else {
      this.#closing = waits ?? closed;
    }
    return this.#closing;
  }
}

function iterate(body: ResponseBody): Source {
  if (isWholeFile(body)) return body.steps();
  const iterator = isAsync(body) ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
  checkIterator(iterator);
  return iterator;
}

/** Whether `for await` would take the asynchronous way: a method that is null or undefined counts as absent. */
export function isAsync(body: ResponseBody): body is AsyncResponseBody {
  return Symbol.asyncIterator in body && body[Symbol.asyncIterator] != null;
}

/** Whether a body is a plain array, of any realm: one whose iteration nobody has overridden. */
function isArray(body: ResponseBody | undefined): body is Uint8Array[] {
  return Array.isArray(body) && body[Symbol.iterator] === body.values && !isAsync(body);
}

function checkIterator(iterator: unknown): void {
  if (typeof Object(iterator).next === 'function') return;
  expectRejection(iterator);
  throw new TypeError(
    `the body's iterator must be an object with a method next(), not ${show(iterator)}`,
  );
}

/** ECMA-262 section 7.4: what an iterator answers with must be an object. */
function checkStep(step: unknown): void {
  if (typeof step === 'object' && step !== null) return;
  throw new TypeError(
    `the iterator of the body answered next() with ${show(step)}; it must answer with { done, value }`,
  );
}

/** `close()`; a Node stream has none and would keep its file or socket, so its `destroy()` stands in. */
export function release(body: ResponseBody): unknown {
  if (typeof body.close === 'function') return body.close();
  if ('destroy' in body && typeof body.destroy === 'function' && 'readable' in body) body.destroy();
  return undefined;
}

/**
 * Listens for the errors of a Node stream, which would end the process while nobody iterates it: not yet, because the
 * transport is full, or not at all, because the client has gone. Iterating it throws them all the same.
 */
export function expectError(body: ResponseBody, report: (error: unknown) => void = ignore): void {
  if ('on' in body && typeof body.on === 'function' && 'readable' in body) body.on('error', report);
}

function ignore(): void {}

/** Runs one closing step; a promise for it where there is something to wait for, and its error to `report`. */
function attempt(task: () => unknown, report: (error: unknown) => void): Promise<void> | undefined {
  try {
    const result = task();
    return isPromise(result) ? Promise.resolve(result).then(() => undefined, report) : undefined;
  } catch (error) {
    report(error);
    return undefined;
  }
}

/**
 * The size of a body that has one: an array's, or a file's that knows it without asking.
 *
 * @throws TypeError when the array holds something that is no chunk, while there is still time to say so.
 */
export function sizeOf(body: ResponseBody | undefined): number | undefined {
  if (isArray(body)) {
    let size = 0;
    for (const chunk of body) {
      checkChunk(chunk);
      size += chunk.length;
    }
    return size;
  }
  // A FileHandle tells its size asynchronously; `sendfile` has asked it before.
  if (!isWholeFile(body) || isFileHandle(body.filelike)) return undefined;
  const size = body.size();
  return typeof size === 'number' ? size : undefined;
}
