/**
 * What every host does to turn a request into an environ: the target, the mount and the header fields.
 * A host's own module says only where these come from.
 */
import { isUtf8 } from 'node:buffer';
import { show } from './show.js';
import type { RequestEnviron } from './types.js';

/** A request target (RFC 9112 section 3.2), taken apart but not decoded. */
export interface RequestTarget {
  /** The path as sent; `''` for `*` and for CONNECT's authority. */
  path: string;
  /** The query as sent, without its `?`. */
  query: string;
  /** The authority of an absolute-form target, which stands above the Host header (RFC 9112 section 3.2.2). */
  authority: string | undefined;
}

const SLASH = 0x2f;

/**
 * Splits a request target by hand: `new URL` would let `//evil` name another host.
 *
 * The scheme of an absolute-form target is dropped: only the transport knows whether it is https.
 */
export function splitTarget(target: string): RequestTarget {
  if (target.charCodeAt(0) === SLASH) return splitQuery(target, undefined);
  if (target === '*' || target === '') return { path: '', query: '', authority: undefined };
  const scheme = target.indexOf('://');
  if (scheme > 0 && /^[a-z][a-z0-9+.-]*$/i.test(target.slice(0, scheme))) {
    const start = scheme + 3;
    const end = target.slice(start).search(/[/?]/);
    const authority = end < 0 ? target.slice(start) : target.slice(start, start + end);
    const rest = end < 0 ? '/' : target.slice(start + end);
    // Userinfo is no part of a Host (RFC 9110 section 4.2.4).
    const host = authority.slice(authority.lastIndexOf('@') + 1);
    return splitQuery(rest.charCodeAt(0) === SLASH ? rest : `/${rest}`, host);
  }
  return splitQuery(`/${target}`, undefined);
}

function splitQuery(target: string, authority: string | undefined): RequestTarget {
  const mark = target.indexOf('?');
  return mark < 0
    ? { path: target, query: '', authority }
    : { path: target.slice(0, mark), query: target.slice(mark + 1), authority };
}

/**
 * Percent-decodes a path once, a byte for each escape (a code unit at most U+00FF); a malformed escape stays.
 *
 * @example
 * ```ts
 * percentDecode('/caf%C3%A9/%zz'); // '/cafÃ©/%zz', which wsgiToUtf8 reads as '/café/%zz'
 * ```
 */
export function percentDecode(path: string): string {
  const native = toNative(path);
  let percent = native.indexOf('%');
  if (percent < 0) return native;
  let decoded = '';
  let done = 0;
  for (; percent >= 0; percent = native.indexOf('%', percent + 1)) {
    const byte = hexByte(native, percent + 1);
    if (byte < 0) continue;
    decoded += native.slice(done, percent) + String.fromCharCode(byte);
    done = percent + 3;
    percent += 2;
  }
  return decoded + native.slice(done);
}

/** The byte that two hex digits at `index` spell, or -1. */
function hexByte(text: string, index: number): number {
  const high = hexDigit(text.charCodeAt(index));
  const low = hexDigit(text.charCodeAt(index + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** A string whose code units are bytes: text above U+00FF, which no wire carries, becomes its UTF-8 bytes. */
export function toNative(text: string): string {
  // On a one-byte string, which a parser's always is, this expression cannot match, and the engine knows.
  return /[\u0100-\uffff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The two halves of a path, decoded: the mount and the rest. */
export interface MountedPath {
  scriptName: string;
  pathInfo: string;
}

/**
 * Cuts the mount off a raw path, segment by segment and before decoding, so that `/%67w/x` is inside the mount
 * `/gw` and `/gw%2Fx` is not.
 *
 * @param path - the path as sent.
 * @param scriptName - the mount, decoded; see {@link checkScriptName}.
 * @returns undefined when the path is outside the mount.
 */
export function splitMount(path: string, scriptName: string): MountedPath | undefined {
  if (scriptName === '') return { scriptName: '', pathInfo: percentDecode(path) };
  let cut = 0;
  for (let from = 0; from < scriptName.length; ) {
    if (path.charCodeAt(cut) !== SLASH) return undefined;
    const mountEnd = segmentEnd(scriptName, from + 1);
    const pathEnd = segmentEnd(path, cut + 1);
    if (percentDecode(path.slice(cut + 1, pathEnd)) !== scriptName.slice(from + 1, mountEnd)) {
      return undefined;
    }
    from = mountEnd;
    cut = pathEnd;
  }
  return { scriptName, pathInfo: percentDecode(path.slice(cut)) };
}

function segmentEnd(path: string, from: number): number {
  const slash = path.indexOf('/', from);
  return slash < 0 ? path.length : slash;
}

/**
 * Cuts as many segments as a mount has off a raw path, where the host has matched them already.
 *
 * @param count - the number of the mount's segments. Empty ones of the path are not counted.
 */
export function splitSegments(path: string, count: number): MountedPath {
  let cut = 0;
  for (let left = count; left > 0 && cut < path.length; ) {
    const end = segmentEnd(path, cut + 1);
    if (end > cut + 1) left -= 1;
    cut = end;
  }
  return mountedPath(path.slice(0, cut), path.slice(cut));
}

/**
 * The two halves of a path that the host has cut, decoded.
 *
 * What stands in the mount for a parameter is the client's to choose. So slashes are kept only as one, and none at the
 * end: a SCRIPT_NAME of `//evil`, which `/%2Fevil` spells too, would name another host in a redirect.
 *
 * @param mount - as the client wrote it.
 */
export function mountedPath(mount: string, rest: string): MountedPath {
  const scriptName = percentDecode(mount)
    .replace(/\/{2,}/g, '/')
    .replace(/\/$/, '');
  const pathInfo = percentDecode(rest);
  // PEP 3333, "environ Variables": one of the two may be empty, but not both.
  const isNothing = mount !== '' && scriptName === '' && pathInfo === '';
  return { scriptName, pathInfo: isNothing ? '/' : pathInfo };
}

/**
 * A mount path as an option gives it, checked and made SCRIPT_NAME: native, no slash at its end.
 *
 * It may be text, or native already: `'/café'` is no UTF-8 if each of its code units is taken for a byte, and so is
 * text, which clients send as `/caf%C3%A9`.
 *
 * @throws TypeError when it is neither empty nor begins with `/`.
 */
export function checkScriptName(scriptName: unknown): string {
  if (scriptName === undefined || scriptName === '') return '';
  if (typeof scriptName !== 'string' || !scriptName.startsWith('/')) {
    throw new TypeError(
      `scriptName must be '' or a path such as '/gateway', not ${show(scriptName)}`,
    );
  }
  const native = toNative(scriptName.replace(/\/+$/, ''));
  if (isUtf8(Buffer.from(native, 'latin1'))) return native;
  return Buffer.from(native, 'utf8').toString('latin1');
}

/** What {@link headerKey} says of a field that has no key of its own. */
const DROPPED = '';
const CACHE_LIMIT = 1024;
const LONGEST_NAME = 64;
const keys = new Map<string, string>();

/**
 * The environ key of a request header field, or `''` for one that must not be passed on: a name with `_` could
 * pass for the one with `-` (CVE-2024-45614), and `Proxy` would become HTTP_PROXY (CVE-2016-1000110).
 */
export function headerKey(name: string): string {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = makeHeaderKey(name);
  // Names come from strangers: the cache is bounded, and what is past its bound is only computed again.
  if (keys.size < CACHE_LIMIT && name.length <= LONGEST_NAME) keys.set(name, key);
  return key;
}

function makeHeaderKey(name: string): string {
  const upper = name.toUpperCase();
  if (upper === '' || upper.includes('_') || upper.startsWith(':') || upper === 'PROXY')
    return DROPPED;
  if (upper === 'CONTENT-TYPE') return 'CONTENT_TYPE';
  if (upper === 'CONTENT-LENGTH') return 'CONTENT_LENGTH';
  return `HTTP_${upper.replaceAll('-', '_')}`;
}

/**
 * Adds a request's header fields to an environ that holds none yet.
 *
 * Repeated fields are joined with `,`, cookies with `; `; of Content-Type and Content-Length the first counts.
 *
 * @param rawHeaders - names and values in turn, as in node:http.
 */
export function addHeaders(environ: RequestEnviron, rawHeaders: readonly string[]): void {
  const keys = plainKeys(rawHeaders);
  for (let index = 0; index < rawHeaders.length >> 1; index += 1) {
    const value = toNative(rawHeaders[2 * index + 1] ?? '');
    const plain = keys?.[index];
    if (plain !== undefined) environ[plain] = value;
    else addHeader(environ, headerKey(rawHeaders[2 * index] ?? ''), value);
  }
}

function addHeader(environ: RequestEnviron, key: string, value: string): void {
  if (key === DROPPED) return;
  const before = environ[key];
  if (key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH') environ[key] ||= value;
  else if (before === undefined) environ[key] = value;
  else environ[key] = `${before}${key === 'HTTP_COOKIE' ? '; ' : ','}${value}`;
}

/** The field names of a request, and their keys: none of them dropped, none twice. */
interface Layout {
  readonly names: readonly string[];
  readonly keys: readonly string[];
  /** Whether a request had it since it was last in another's way. */
  used: boolean;
}

/** A layout for each length. Clients repeat themselves: to compare names costs less than to look each up. */
const layouts: (Layout | undefined)[] = [];
const MOST_FIELDS = 64;

/** The keys of all fields, where each can simply be set; undefined where that is not known. */
function plainKeys(rawHeaders: readonly string[]): readonly string[] | undefined {
  const count = rawHeaders.length >> 1;
  const known = layouts[count];
  if (known !== undefined && hasNames(rawHeaders, known.names)) {
    known.used = true;
    return known.keys;
  }
  if (count > MOST_FIELDS) return undefined;
  // Clients that take turns shall not cost each other the layout every time.
  if (known?.used) {
    known.used = false;
    return undefined;
  }
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  const keys = new Set(names.map(headerKey));
  const isPlain = keys.size === count && !keys.has(DROPPED);
  const isBounded = names.every((name) => name.length <= LONGEST_NAME);
  if (!isPlain || !isBounded) return undefined;
  const layout = { names, keys: [...keys], used: true };
  layouts[count] = layout;
  return layout.keys;
}

function hasNames(rawHeaders: readonly string[], names: readonly string[]): boolean {
  for (let index = 0; index < names.length; index += 1) {
    if (names[index] !== rawHeaders[2 * index]) return false;
  }
  return true;
}
