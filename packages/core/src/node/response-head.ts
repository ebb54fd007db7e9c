import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Headers } from '../headers.js';

/** A response of node:http, https or http2's compat API. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * Gives a Node response its status and header fields.
 *
 * What middleware has set on it before stays: cookies are added to, `Vary` is merged, the rest is replaced by
 * the application's.
 */
export function writeHead(response: NodeResponse, status: string, headers: Headers): void {
  const code = Number(status.slice(0, 3));
  if ('stream' in response) {
    for (const [name, values] of grouped(response, headers)) {
      // HTTP/2's API takes no repeated field but cookies; a list is the same (RFC 9110 section 5.3).
      response.setHeader(name, isCookie(name) ? values : values.join(', '));
    }
    response.writeHead(code);
    return;
  }
  const reason = status.slice(4);
  if (isPristine(response)) {
    response.writeHead(code, reason, flat(headers));
    return;
  }
  for (const [name, values] of grouped(response, headers)) {
    const [only] = values;
    response.setHeader(name, values.length === 1 && only !== undefined ? only : values);
  }
  response.writeHead(code, reason);
}

/** The shape that Node takes repeated fields in. A loop: `flat()` costs a multiple of it. */
function flat(headers: Headers): string[] {
  const fields: string[] = [];
  for (const field of headers.items()) fields.push(field[0], field[1]);
  return fields;
}

/**
 * Whether nobody has touched the response: then its header fields can be handed over in one go. Middleware that
 * replaces `writeHead` expects to find them with `getHeader`.
 */
function isPristine(response: ServerResponse): boolean {
  return response.getHeaderNames().length === 0 && !Object.hasOwn(response, 'writeHead');
}

/** The application's values by name, with what the host's cookies and `Vary` add to them. */
function grouped(response: NodeResponse, headers: Headers): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  const names = new Map<string, string>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const known = names.get(key);
    if (known !== undefined) {
      groups.get(known)?.push(value);
      continue;
    }
    names.set(key, name);
    const before = isCookie(key) || key === 'vary' ? hostValues(response, key) : [];
    groups.set(name, [...before, value]);
  }
  const vary = names.get('vary');
  if (vary !== undefined) groups.set(vary, [mergeVary(groups.get(vary) ?? [])]);
  return groups;
}

function isCookie(name: string): boolean {
  return name.length === 10 && name.toLowerCase() === 'set-cookie';
}

function hostValues(response: NodeResponse, name: string): string[] {
  const value = response.getHeader(name);
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [String(value)];
}

/** One `Vary` of several: each field name once; `*` stands for all (RFC 9110 section 12.5.5). */
export function mergeVary(values: readonly string[]): string {
  const names = new Map<string, string>();
  for (const name of values.join(',').split(',')) {
    const trimmed = name.trim();
    if (trimmed === '*') return '*';
    if (trimmed !== '' && !names.has(trimmed.toLowerCase()))
      names.set(trimmed.toLowerCase(), trimmed);
  }
  return [...names.values()].join(', ');
}
