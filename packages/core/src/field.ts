/**
 * What one header field may hold. Everything that takes a header field from an application asks here.
 *
 * A name is a token (RFC 9110 sections 5.1 and 5.6.2). A value holds no control character but HTAB, so that it cannot
 * end the field and begin another (RFC 9110 section 5.5), and no code unit above U+00FF, so that it is one byte for
 * each (PEP 3333, "A Note on String Types").
 */

import { show } from './show.js';
import { isHopByHop } from './util/http.js';

/** Throws a TypeError that says what is wrong when `pair` is no `[name, value]` that makes a header field. */
export function checkField(pair: unknown): asserts pair is [name: string, value: string] {
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw new TypeError(`A header must be a pair [name, value], not ${show(pair)}.`);
  }
  checkHeader(pair[0], pair[1]);
}

/** Throws a TypeError that says what is wrong when `name` and `value` do not make a header field. */
export function checkHeader(name: unknown, value: unknown): void {
  const known = knownNames.get(name) ?? checkName(name);
  // The value last seen under this name has been checked.
  if (value === known.value) return;
  if (typeof value !== 'string' || BAD_IN_VALUE.test(value)) refuseValue(name, value);
  if (value.length <= LONGEST_KNOWN_VALUE) known.value = value;
}

/** Whether `text` is a token: RFC 9110 section 5.6.2. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BAD_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** A name that is a token. */
interface KnownName {
  readonly isServers: boolean;
  /** The last valid value seen under this name; at first the empty one. */
  value: string;
}

// Applications send the same few names again and again. Bounded, since one that makes names up would fill it for ever.
const knownNames = new Map<unknown, KnownName>();
const MOST_KNOWN_NAMES = 256;
const LONGEST_KNOWN_NAME = 64;
const LONGEST_KNOWN_VALUE = 256;

function checkName(name: unknown): KnownName {
  if (typeof name !== 'string') {
    throw new TypeError(`A header name must be a string, not ${show(name)}.`);
  }
  if (!isToken(name)) {
    throw new TypeError(
      `The header name ${show(name)} is not a token: use only letters, digits and !#$%&'*+-.^_\`|~ (RFC 9110 section 5.6.2).`,
    );
  }
  const known: KnownName = { isServers: isOneOfServers(name), value: '' };
  if (knownNames.size < MOST_KNOWN_NAMES && name.length <= LONGEST_KNOWN_NAME) {
    knownNames.set(name, known);
  }
  return known;
}

function refuseValue(name: unknown, value: unknown): never {
  const what = `The value of the header ${show(name)}`;
  if (typeof value !== 'string') {
    const hint = typeof value === 'number' ? `; write '${value}'` : '';
    throw new TypeError(`${what} must be a string, not ${show(value)}${hint}.`);
  }
  const at = value.search(BAD_IN_VALUE);
  const code = value.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0');
  if (value.charCodeAt(at) > 0xff) {
    throw new TypeError(
      `${what} holds U+${code}, which is no single byte: ${show(value)}. Encode it first, with utf8ToWsgi for instance.`,
    );
  }
  throw new TypeError(
    `${what} holds the control character U+${code} at index ${at}: ${show(value)}. Remove it; it could begin a header of its own.`,
  );
}

/**
 * Whether a field is the server's to send, and not an application's: hop-by-hop ones (PEP 3333, "Other HTTP
 * Features"), and `Trailer`, which announces fields that no application can send (RFC 9110 section 6.6.2).
 */
export function isServersField(name: string): boolean {
  return knownNames.get(name)?.isServers ?? isOneOfServers(name);
}

function isOneOfServers(name: string): boolean {
  return isHopByHop(name) || (name.length === 7 && name.toLowerCase() === 'trailer');
}
