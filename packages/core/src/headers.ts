/** `Headers`: wsgiref.headers. */
import { checkField, checkHeader, isToken } from './field.js';
import { headerSection } from './header-section.js';
import { show } from './show.js';
import type { HeaderList } from './types.js';

/**
 * A list of response headers with the manners of a mapping: names match in any case, order is kept, and a name
 * may stand more than once.
 *
 * It wraps the list that it is given and changes it in place. Whatever is put in is checked: names are tokens,
 * values hold no control characters but HTAB and no code unit above U+00FF. What breaks a rule is a TypeError,
 * and nothing is changed.
 *
 * Source: wsgiref.headers.Headers.
 *
 * @example
 * ```ts
 * const headers = new Headers([['Content-Type', 'text/plain']]);
 * headers.addHeader('Content-Disposition', 'attachment', { filename: 'bud.gif' });
 * startResponse('200 OK', headers.items());
 * ```
 */
export class Headers implements Iterable<[name: string, value: string]> {
  readonly #fields: HeaderList;

  /**
   * @param headers - the list to wrap; a new one when left out.
   * @throws TypeError when it is no array of `[name, value]` pairs, or when a pair is no header field.
   */
  constructor(headers?: HeaderList | null) {
    if (headers !== undefined && headers !== null) checkList(headers);
    this.#fields = headers ?? [];
  }

  /** How many fields there are, repeated names included. wsgiref's `len(headers)`. */
  get length(): number {
    return this.#fields.length;
  }

  /** The value of the first field of that name, or `fallback`, which is `null` when left out. */
  get(name: string): string | null;
  get<T>(name: string, fallback: T): string | T;
  get(name: string, fallback: unknown = null): unknown {
    checkWanted(name);
    for (const field of this.#fields) {
      if (isSame(field[0], name)) return field[1];
    }
    return fallback;
  }

  /** The values of all fields of that name, in order; `[]` when there are none. */
  getAll(name: string): string[] {
    checkWanted(name);
    const values: string[] = [];
    for (const field of this.#fields) {
      if (isSame(field[0], name)) values.push(field[1]);
    }
    return values;
  }

  /** Whether there is a field of that name. wsgiref's `name in headers`. */
  has(name: string): boolean {
    return this.get(name) !== null;
  }

  /** Removes all fields of that name and adds this one at the end. wsgiref's `headers[name] = value`. */
  set(name: string, value: string): void {
    checkHeader(name, value);
    this.delete(name);
    this.#fields.push([name, value]);
  }

  /** Removes all fields of that name; none is no error. wsgiref's `del headers[name]`. */
  delete(name: string): void {
    checkWanted(name);
    const fields = this.#fields;
    let kept = 0;
    for (const field of fields) {
      if (!isSame(field[0], name)) fields[kept++] = field;
    }
    // Assigning an array's length is slow, even when it stays the same.
    if (kept < fields.length) fields.length = kept;
  }

  /** The value of the first field of that name; when there is none, adds one with `value` and returns that. */
  setDefault(name: string, value: string): string {
    const present = this.get(name);
    if (present !== null) return present;
    checkHeader(name, value);
    this.#fields.push([name, value]);
    return value;
  }

  /**
   * Adds a field at the end, with parameters: `addHeader('Content-Disposition', 'attachment', { filename: 'a.txt' })`
   * adds `Content-Disposition: attachment; filename="a.txt"`.
   *
   * @param value - what stands before the parameters; `null` for nothing.
   * @param params - underscores in a name become dashes. A value is quoted; `null` or `''` adds the bare name.
   */
  addHeader(
    name: string,
    value: string | null,
    params: Readonly<Record<string, string | null>> = {},
  ): void {
    const parts: string[] = [];
    if (value !== null) {
      // Checked by itself as well: a number would become a string in the joined value.
      checkHeader(name, value);
      parts.push(value);
    }
    for (const [key, text] of Object.entries(params)) parts.push(formatParam(name, key, text));
    const joined = parts.join('; ');
    checkHeader(name, joined);
    this.#fields.push([name, joined]);
  }

  /** The names, in order, repeated ones included. */
  keys(): string[] {
    return this.#fields.map(([name]) => name);
  }

  /** The values, in order. */
  values(): string[] {
    return this.#fields.map(([, value]) => value);
  }

  /** The fields as a new list; changing it leaves these headers as they are. */
  items(): HeaderList {
    return this.#fields.slice();
  }

  /** The fields, one after the other. */
  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.#fields[Symbol.iterator]();
  }

  /** The header section as it is sent, with the empty line that ends it. */
  toString(): string {
    return headerSection(this.#fields);
  }

  /** {@link toString} in bytes: one for each code unit. wsgiref's `bytes(headers)`. */
  toBytes(): Uint8Array {
    return Buffer.from(this.toString(), 'latin1');
  }
}

function checkWanted(name: unknown): void {
  if (typeof name !== 'string') {
    throw new TypeError(`A header name must be a string, not ${show(name)}.`);
  }
}

/** Whether two names are the same. Most differ in length already, which spares them the lower case. */
function isSame(a: string, b: string): boolean {
  return a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase());
}

function checkList(headers: unknown): void {
  if (!Array.isArray(headers)) {
    throw new TypeError(
      `Headers must be an array of [name, value] pairs, not ${show(headers)}. Object.entries(headers) makes one of an object, [...map] of a Map.`,
    );
  }
  for (const pair of headers) checkField(pair);
}

/** One parameter as in RFC 9110 section 5.6.6: always quoted, as wsgiref does. */
function formatParam(name: string, key: string, value: unknown): string {
  const dashed = key.replaceAll('_', '-');
  if (!isToken(dashed)) {
    throw new TypeError(
      `The parameter name ${show(key)} of the header ${show(name)} is not a token (RFC 9110 section 5.6.6).`,
    );
  }
  if (value === null || value === '') return dashed;
  if (typeof value !== 'string') {
    throw new TypeError(
      `The parameter ${show(key)} of the header ${show(name)} must be a string or null, not ${show(value)}.`,
    );
  }
  return `${dashed}="${value.replace(/[\\"]/g, '\\$&')}"`;
}
