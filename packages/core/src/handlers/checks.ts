/** What an application hands to its host, checked before anything is done with it. */
import { types } from 'node:util';
import { isServersField } from '../field.js';
import type { Headers } from '../headers.js';
import { show } from '../show.js';
import type { HeaderList, ResponseBody } from '../types.js';

/** What makes `Headers` of a list, which it keeps and does not copy. */
export type HeadersClass = new (headers: HeaderList) => Headers;

/**
 * `200 OK`: digits, a space, and a reason of visible characters, spaces and obs-text. RFC 9112 section 4 has tabs as
 * well, PEP 3333 no control character at all.
 */
const STATUS = /^[2-5]\d\d [\x20-\x7e\x80-\xff]*$/;
const CONTENT_LENGTH = /^\d{1,15}$/;

/** The last valid status: most responses have the same. */
let lastStatus = '200 OK';

/**
 * Checks a status line's code and reason.
 *
 * @throws TypeError or Error with the value and what to write instead.
 */
export function checkStatus(status: unknown): asserts status is string {
  if (status === lastStatus) return;
  if (typeof status !== 'string') {
    throw new TypeError(
      `startResponse: status must be a string such as '200 OK', not ${show(status)}`,
    );
  }
  if (STATUS.test(status)) {
    lastStatus = status;
    return;
  }
  if (/^1\d\d /.test(status)) {
    throw new Error(
      `startResponse: status ${show(status)} is informational; 1xx responses are sent by the server, the application's status starts at 200`,
    );
  }
  throw new Error(
    `startResponse: status ${show(status)} must be three digits from 200 to 599, a space and a reason without control characters or code units above U+00FF, such as '200 OK'`,
  );
}

/** What is wrong with a second call without `excInfo`; `before` is undefined where the first one failed. */
export function secondStart(status: string, before: string | undefined): Error {
  const first = before === undefined ? 'a call that failed' : `'${before}'`;
  return new Error(
    `startResponse was called a second time, with '${status}' after ${first}; to replace a response, pass the caught error as third argument`,
  );
}

/**
 * Checks the header fields and wraps a copy of them, so that nothing the application does later can change what was
 * checked. What a field may hold is for `Headers` to check, what it may not say is checked here.
 *
 * @throws TypeError or Error with the field and what is wrong with it.
 */
export function checkHeaders(headers: unknown, headersClass: HeadersClass): Headers {
  if (!Array.isArray(headers)) {
    throw new TypeError(
      `startResponse: headers must be an array of [name, value] pairs, not ${show(headers)}; [...headers] makes one of Headers or a Map, Object.entries(headers) of an object`,
    );
  }
  const fields: HeaderList = [];
  for (const pair of headers) {
    fields.push(Array.isArray(pair) && pair.length === 2 ? [pair[0], pair[1]] : pair);
  }
  const checked = new headersClass(fields);
  checkMeaning(fields);
  return checked;
}

/** Refuses the server's own fields and a malformed Content-Length; of identical ones it keeps the first. */
function checkMeaning(fields: HeaderList): void {
  let length: string | undefined;
  let kept = 0;
  for (const field of fields) {
    const [name, value] = field;
    if (isServersField(name)) {
      throw new Error(
        `startResponse: ${name} is a header that only the server may send (PEP 3333, "Other HTTP Features"); leave it out`,
      );
    }
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (!CONTENT_LENGTH.test(value) || (length !== undefined && length !== value)) {
        const all = length === undefined ? value : `${length}, ${value}`;
        throw new Error(
          `startResponse: Content-Length must be one decimal number of bytes, not ${show(all)}`,
        );
      }
      if (length !== undefined) continue;
      length = value;
    }
    fields[kept++] = field;
  }
  // Assigning an array's length is slow, even when it stays the same.
  if (kept < fields.length) fields.length = kept;
}

/**
 * Checks what an application returned: an iterable, and not one of those that are iterable by accident.
 *
 * @throws TypeError that says what to write instead.
 */
export function checkBody(body: unknown): asserts body is ResponseBody {
  if (typeof body === 'string') {
    throw new TypeError(
      `the application returned the string ${show(body)}; return an array of bytes instead: [Buffer.from(text)]`,
    );
  }
  if (types.isUint8Array(body)) {
    throw new TypeError(
      'the application returned a bare Uint8Array, which would be sent a byte at a time; return it in an array: [chunk]',
    );
  }
  if (typeof body !== 'object' || body === null || !isIterable(body)) {
    throw new TypeError(
      `the application returned ${show(body)}; return an iterable of Uint8Array chunks, [] for an empty body`,
    );
  }
}

function isIterable(body: object): boolean {
  const ways: Partial<Iterable<unknown> & AsyncIterable<unknown>> = body;
  return (
    typeof ways[Symbol.iterator] === 'function' || typeof ways[Symbol.asyncIterator] === 'function'
  );
}

/**
 * Checks one chunk of a body.
 *
 * @throws TypeError that says what to write instead.
 */
export function checkChunk(chunk: unknown): asserts chunk is Uint8Array {
  if (chunk instanceof Uint8Array || types.isUint8Array(chunk)) return;
  if (typeof chunk === 'string') {
    throw new TypeError(
      `a chunk of the body is the string ${show(chunk)}; chunks are bytes: Buffer.from(text)`,
    );
  }
  if (types.isPromise(chunk)) {
    expectRejection(chunk);
    throw new TypeError(
      'a chunk of the body is a promise; yield what it resolves to, from an async generator',
    );
  }
  throw new TypeError(
    `a chunk of the body is ${show(chunk)}; chunks are Uint8Array, as Buffer.from() makes one of text or an ArrayBuffer`,
  );
}

/** A promise in place of a chunk is awaited by nobody: if it is rejected, that would end the process without this. */
export function expectRejection(chunk: unknown): void {
  if (types.isPromise(chunk)) chunk.catch(() => {});
}
