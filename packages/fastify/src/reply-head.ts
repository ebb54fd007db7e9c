import { STATUS_CODES } from 'node:http';
import { Headers } from '@wsgi/core/headers';
import { http2Fields, mergeVary, type NodeResponse } from '@wsgi/core/node';
import type { HeaderList } from '@wsgi/core/types';
import type { FastifyReply } from 'fastify';

/**
 * Gives a reply its status and header fields.
 *
 * What the host has set before stays: cookies are added to, `Vary` is merged, the rest is replaced by the
 * application's. Content-Length is left out: it belongs to the body, and goes with that; so does how another's was
 * delimited.
 */
export function setHead(
  reply: FastifyReply,
  status: string,
  headers: Headers = new Headers(),
): void {
  const raw: NodeResponse = reply.raw;
  const http1 = !('stream' in raw);
  const code = Number(status.slice(0, 3));
  reply.code(code);
  setReason(raw, code, status.slice(4));
  // Only what is there: to remove what is not would tell Node to leave it out when it is needed.
  if (reply.hasHeader('content-length')) reply.removeHeader('content-length');
  if (reply.hasHeader('transfer-encoding')) reply.removeHeader('transfer-encoding');
  for (const [name, value] of grouped(http1 ? headers.items() : http2Fields(headers))) {
    if (name === 'content-length') continue;
    if (name === 'vary') reply.header(name, varyOf(reply, value));
    else if (name === 'set-cookie') reply.header(name, cookiesOf(raw, value));
    // reply.header() replaces what is there. HTTP/2's API takes some fields once only; a list is the same (RFC 9110
    // section 5.3).
    else reply.header(name, http1 || typeof value === 'string' ? value : value.join(', '));
  }
}

/** The values by name, lower-case: a list of those that a name has several of. */
function grouped(fields: HeaderList): Map<string, string | string[]> {
  const groups = new Map<string, string | string[]>();
  for (const [name, value] of fields) {
    const key = lowerCase(name);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, value);
    else if (typeof group === 'string') groups.set(key, [group, value]);
    else group.push(value);
  }
  return groups;
}

function varyOf(reply: FastifyReply, value: string | string[]): string {
  return mergeVary([reply.getHeader('vary') ?? [], value].flat().map(String));
}

/** With the cookies that were set on the raw response: Fastify puts the reply's, which it adds to, in their place. */
function cookiesOf(raw: NodeResponse, value: string | string[]): string | string[] {
  const before = raw.getHeader('set-cookie');
  return before === undefined ? value : [before, value].flat().map(String);
}

/** Applications send the same few names again and again; those that are made up are not kept without end. */
const lowerCased = new Map<string, string>();
const MOST_NAMES = 256;
const LONGEST_NAME = 64;

function lowerCase(name: string): string {
  const known = lowerCased.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  if (lowerCased.size < MOST_NAMES && name.length <= LONGEST_NAME) lowerCased.set(name, lower);
  return lower;
}

/**
 * A reason belongs to its code. Hooks and error handlers change the code alone, and Node would send the old
 * reason with it: `500 Fine`.
 */
function setReason(raw: { statusCode: number }, code: number, reason: string): void {
  if (reason === STATUS_CODES[code]) return;
  Object.defineProperty(raw, 'statusMessage', {
    configurable: true,
    enumerable: true,
    get: () => (raw.statusCode === code ? reason : STATUS_CODES[raw.statusCode]),
    set(value: string) {
      Object.defineProperty(raw, 'statusMessage', { value, writable: true });
    },
  });
}
