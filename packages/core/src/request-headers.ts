/** A request's header fields as entries of the environ. */
import type { RequestEnviron } from './types.js';
import { toNative } from './util/native.js';

/** What {@link headerKey} gives for a field that must not be passed on. */
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
  /** Whether a request has had it since it last stood in another's way. */
  used: boolean;
}

/** A layout for each number of fields. Clients repeat themselves, and comparing names costs less than looking them up. */
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
  // It stays once more, or two clients that take turns would replace each other's layout at every request.
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
