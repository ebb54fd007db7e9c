/**
 * PEP 3333's native strings: text in which each code unit, at most U+00FF, stands for one byte.
 */
import { show } from '../show.js';

/**
 * The text that a native string stands for: its bytes decoded as UTF-8. Bytes that are no UTF-8 become U+FFFD.
 *
 * @example `wsgiToUtf8(environ.PATH_INFO)` where the path was `/caf%C3%A9` gives `/café`.
 * @throws TypeError when `native` holds a code unit above U+00FF, and so is text already.
 *
 * Source: PEP 3333, "Unicode Issues".
 */
export function wsgiToUtf8(native: string): string {
  checkNative(native);
  return ASCII.test(native) ? native : Buffer.from(native, 'latin1').toString('utf8');
}

/**
 * The native string for a text: a code unit for each byte of its UTF-8. Lone surrogates become U+FFFD's bytes.
 *
 * @example `startResponse('303 See Other', [['Location', utf8ToWsgi('/café')]])`
 *
 * Source: PEP 3333, "Unicode Issues".
 */
export function utf8ToWsgi(text: string): string {
  if (typeof text !== 'string') throw new TypeError(`Expected a string, not ${show(text)}.`);
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** A string whose code units are bytes: text above U+00FF, which no wire carries, becomes its UTF-8 bytes. */
export function toNative(text: string): string {
  // On a one-byte string, which a parser's always is, this expression cannot match, and the engine knows.
  return /[\u0100-\uffff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The native string of bytes: a code unit for each. */
export function bytesToNative(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString('latin1');
}

/** Throws a TypeError unless `text` is a native string; `what` names it in the message. */
export function checkNative(text: unknown, what = 'A native string'): asserts text is string {
  if (typeof text !== 'string') {
    throw new TypeError(`${what} must be a string, not ${show(text)}.`);
  }
  if (!NATIVE.test(text)) {
    throw new TypeError(
      `${what} must hold one byte in each code unit, none above U+00FF: ${show(text)}. utf8ToWsgi makes such a string.`,
    );
  }
}

const ASCII = /^[\0-\x7f]*$/;
const NATIVE = /^[\0-\xff]*$/;
