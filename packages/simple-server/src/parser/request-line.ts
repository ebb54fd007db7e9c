import { METHODS } from 'node:http';
import { consistsOf, DIGIT_CHARACTERS, TARGET_CHARACTERS, TOKEN_CHARACTERS } from './characters.js';
import { isHost } from './host.js';
import { ProtocolError, quote } from './protocol-error.js';

/** RFC 9112 section 3. */
export interface RequestLine {
  readonly method: string;
  /** The request target as sent, under node:http's name for it. */
  readonly url: string;
  readonly httpVersion: '1.0' | '1.1';
  /** The authority of a target in absolute-form; it takes the place of the Host field. `null` otherwise. */
  readonly authority: string | null;
}

/** What node:http serves, so that an application meets the same methods under every host; but no tunnels. */
const SERVED_METHODS: ReadonlySet<string> = new Set(
  METHODS.filter((method) => method !== 'CONNECT'),
);

/** Takes a request line apart: one method, one target, one version, with single spaces between them. */
export function parseRequestLine(line: string): RequestLine {
  const methodEnd = line.indexOf(' ');
  const targetEnd = line.indexOf(' ', methodEnd + 1);
  if (methodEnd < 1 || targetEnd === -1) {
    throw new ProtocolError(400, `not a request line: ${quote(line)}`);
  }
  const httpVersion = parseVersion(line.slice(targetEnd + 1));
  // The usual method: to look up a string that was just made costs as much as the rest of this function.
  const method = line.startsWith('GET ') ? 'GET' : line.slice(0, methodEnd);
  if (method !== 'GET' && !SERVED_METHODS.has(method)) throw unfitMethod(method);
  const url = line.slice(methodEnd + 1, targetEnd);
  return { method, url, httpVersion, authority: parseTarget(url, method) };
}

function parseVersion(version: string): '1.0' | '1.1' {
  if (version === 'HTTP/1.1') return '1.1';
  if (version === 'HTTP/1.0') return '1.0';
  const isVersion =
    version.length === 8 &&
    version.startsWith('HTTP/') &&
    version[6] === '.' &&
    consistsOf(DIGIT_CHARACTERS, version, 5, 6) &&
    consistsOf(DIGIT_CHARACTERS, version, 7, 8);
  if (isVersion)
    throw new ProtocolError(505, `${version} is not served: HTTP/1.0 and HTTP/1.1 are`);
  throw new ProtocolError(400, `not an HTTP version: ${quote(version)}`);
}

function unfitMethod(method: string): ProtocolError {
  if (!consistsOf(TOKEN_CHARACTERS, method)) {
    return new ProtocolError(400, `not a method: ${quote(method)}`);
  }
  return new ProtocolError(501, `the method ${quote(method)} is not served`);
}

/** Checks the target's form (RFC 9112 section 3.2) and gives the authority that an absolute-form names. */
function parseTarget(target: string, method: string): string | null {
  if (!consistsOf(TARGET_CHARACTERS, target)) {
    throw new ProtocolError(400, `not a request target: ${quote(target)}`);
  }
  if (target.charCodeAt(0) === 0x2f) return null;
  if (target === '*' && method === 'OPTIONS') return null;
  const authority = authorityOf(target);
  if (authority === null || !isHost(authority)) {
    throw new ProtocolError(400, `not a request target: ${quote(target)}`);
  }
  return authority;
}

function authorityOf(target: string): string | null {
  const start = target.indexOf('://') + 3;
  const scheme = target.slice(0, start).toLowerCase();
  if (scheme !== 'http://' && scheme !== 'https://') return null;
  let end = start;
  while (end < target.length && target[end] !== '/' && target[end] !== '?') end++;
  return target.slice(start, end);
}
