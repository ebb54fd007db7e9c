import { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Headers } from '../headers.js';
import type { HeaderList } from '../types.js';

/** A response of node:http, https or http2's compat API. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * What stands between a handler and Node's own response: nothing (`'untouched'`); header fields of others, or their
 * `setHeader` (`'bare'`); or middleware that sees the body (`'wrapped'`).
 */
export type Passage = 'untouched' | 'bare' | 'wrapped';

/** Gives a response its status and header fields. */
export function sendHead(response: NodeResponse, status: string, headers: Headers): Passage {
  const bare = isBare(response);
  const untouched = bare && isBlank(response);
  if (untouched) writeHead(response, status, headers);
  else mergeHead(response, status, headers);
  // Node would send the head of a response that waits in a pipeline before the 100 (Continue) that waits with it, which
  // the client would take for the beginning of the body. A head that is flushed by itself comes after it.
  if (!('stream' in response) && response.socket === null && response.req.headers.expect) {
    response.flushHeaders();
  }
  if (untouched) return 'untouched';
  return bare ? 'bare' : 'wrapped';
}

/**
 * Whether a response of HTTP/1 is as Node made it. Middleware that replaces `write` or `end` wants to see the body
 * there, or to hold it, and one that replaces `writeHead` expects to find header fields with `getHeader`.
 */
export function isBare(response: NodeResponse): response is ServerResponse {
  const { write, end, writeHead } = ServerResponse.prototype;
  return response.end === end && response.write === write && response.writeHead === writeHead;
}

/** Whether no field is set and `setHeader` is Node's: middleware replaces it to amend cookies, for instance. */
function isBlank(response: ServerResponse): boolean {
  const { setHeader } = ServerResponse.prototype;
  return response.setHeader === setHeader && response.getHeaderNames().length === 0;
}

/** For a response that has no fields yet: all go in at once, repeated ones and all. */
function writeHead(response: ServerResponse, status: string, headers: Headers): void {
  const fields: string[] = [];
  // A loop: `flat()` costs a multiple of it.
  for (const field of headers.items()) fields.push(field[0], field[1]);
  response.writeHead(codeOf(status), status.slice(4), fields);
}

/**
 * For any response.
 *
 * What middleware has set on it before stays: cookies are added to, `Vary` is merged, the rest is replaced by
 * the application's. Only the fields that delimit a body are removed, for they belonged to another one.
 */
function mergeHead(response: NodeResponse, status: string, headers: Headers): void {
  // Only what is there: to remove what is not would tell Node to leave it out when it is needed.
  if (response.hasHeader('Content-Length')) response.removeHeader('Content-Length');
  if (response.hasHeader('Transfer-Encoding')) response.removeHeader('Transfer-Encoding');
  if ('stream' in response) {
    for (const [name, values] of grouped(response, http2Fields(headers)).values()) {
      // HTTP/2's API takes some fields once only, cookies never joined; a list is the same (RFC 9110 section 5.3).
      response.setHeader(name, isCookie(name) ? values : values.join(', '));
    }
    response.writeHead(codeOf(status));
    return;
  }
  for (const [name, values] of grouped(response, headers.items()).values()) {
    const [only] = values;
    response.setHeader(name, values.length === 1 && only !== undefined ? only : values);
  }
  response.writeHead(codeOf(status), status.slice(4));
}

function codeOf(status: string): number {
  return Number(status.slice(0, 3));
}

/**
 * The fields as they may stand in HTTP/2: without what is HTTP/1's, which Node refuses, and without white space around
 * a value, which clients refuse or drop the field for (RFC 9113 sections 8.2.1 and 8.2.2).
 */
export function http2Fields(headers: Headers): HeaderList {
  const fields: HeaderList = [];
  for (const [name, value] of headers.items()) {
    if (!HTTP1_FIELD.test(name)) fields.push([name, value.replace(AROUND, '')]);
  }
  return fields;
}

/** The hop-by-hop fields are refused wherever the application runs. */
const HTTP1_FIELD = /^(?:proxy-connection|http2-settings)$/i;
/** White space at either end. With the lookbehind, a run of it is tried once, and not from each of its characters. */
const AROUND = /^[\t ]+|(?<![\t ])[\t ]+$/g;

/** The application's values by name in lower case, with what the host's cookies and `Vary` add to them. */
function grouped(
  response: NodeResponse,
  fields: HeaderList,
): Map<string, [name: string, values: string[]]> {
  const groups = new Map<string, [name: string, values: string[]]>();
  for (const [name, value] of fields) {
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
