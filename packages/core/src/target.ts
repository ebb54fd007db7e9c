/**
 * A request target: taken apart, cut at the mount, and decoded. A host's own module says only where it comes from.
 */
import { isUtf8 } from 'node:buffer';
import { show } from './show.js';
import { toNative } from './util/native.js';

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
 * @param count - the number of the mount's segments.
 * @param countsEmpty - whether an empty one of the path counts: where the host has taken it for a parameter's value.
 */
export function splitSegments(path: string, count: number, countsEmpty = false): MountedPath {
  let cut = 0;
  for (let left = count; left > 0 && cut < path.length; ) {
    const end = segmentEnd(path, cut + 1);
    if (countsEmpty || end > cut + 1) left -= 1;
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
 * It may be text, or native already. A string whose code units, taken for bytes, are no UTF-8 is text: `'/café'`, for
 * one, which clients send as `/caf%C3%A9`.
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
