import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Headers } from '../headers.js';

/** A response of node:http, https or http2's compat API. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * Whether nobody has touched the response: then its header fields can be handed over in one go. Middleware that
 * replaces `writeHead` expects to find them with `getHeader`, and one that replaces `end` to see the body there.
 */
export function isPristine(response: NodeResponse): response is ServerResponse {
  return (
    !('stream' in response) &&
    response.getHeaderNames().length === 0 &&
    !Object.hasOwn(response, 'writeHead') &&
    !Object.hasOwn(response, 'end')
  );
}

/** Gives an untouched response of node:http its status and header fields, repeated ones and all. */
export function writeHead(response: ServerResponse, status: string, headers: Headers): void {
  const fields: string[] = [];
  // A loop: `flat()` costs a multiple of it.
  for (const field of headers.items()) fields.push(field[0], field[1]);
  response.writeHead(codeOf(status), status.slice(4), fields);
}

/**
 * Gives any response its status and header fields.
 *
 * What middleware has set on it before stays: cookies are added to, `Vary` is merged, the rest is replaced by
 * the application's. Only how a body is delimited goes with the body: of another's, it would be wrong.
 */
export function mergeHead(response: NodeResponse, status: string, headers: Headers): void {
  // Only what is there: to remove what is not would tell Node to leave it out when it is needed.
  if (response.hasHeader('Content-Length')) response.removeHeader('Content-Length');
  if (response.hasHeader('Transfer-Encoding')) response.removeHeader('Transfer-Encoding');
  if ('stream' in response) {
    for (const [name, values] of grouped(response, headers).values()) {
      // HTTP/2's API takes no repeated field but cookies; a list is the same (RFC 9110 section 5.3).
      response.setHeader(name, isCookie(name) ? values : values.join(', '));
    }
    response.writeHead(codeOf(status));
    return;
  }
  for (const [name, values] of grouped(response, headers).values()) {
    const [only] = values;
    response.setHeader(name, values.length === 1 && only !== undefined ? only : values);
  }
  response.writeHead(codeOf(status), status.slice(4));
}

function codeOf(status: string): number {
  return Number(status.slice(0, 3));
}

/** The application's values by name in lower case, with what the host's cookies and `Vary` add to them. */
function grouped(
  response: NodeResponse,
  headers: Headers,
): Map<string, [name: string, values: string[]]> {
  const groups = new Map<string, [name: string, values: string[]]>();
  for (const [name, value] of headers.items()) {
    const key = name.toLowerCase();
    const group = groups.get(key);
    if (group !== undefined) group[1].push(value);
    else if (key !== 'set-cookie' && key !== 'vary') groups.set(key, [name, [value]]);
    else groups.set(key, [name, [...hostValues(response, key), value]]);
  }
  const vary = groups.get('vary');
  if (vary !== undefined) vary[1] = [mergeVary(vary[1])];
  return groups;
}

function isCookie(name: string): boolean {
  return name.toLowerCase() === 'set-cookie';
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
