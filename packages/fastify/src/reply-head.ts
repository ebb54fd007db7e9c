import { STATUS_CODES } from 'node:http';
import { Headers } from '@wsgi/core';
import { mergeVary, type NodeResponse } from '@wsgi/core/node';
import type { FastifyReply } from 'fastify';

/**
 * Gives a reply its status and header fields.
 *
 * What the host has set before stays: cookies are added to, `Vary` is merged, the rest is replaced by the
 * application's.
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
  if (http1) setReason(raw, code, status.slice(4));
  for (const [name, values] of grouped(headers)) {
    if (name === 'vary') values.unshift(String(reply.getHeader(name) ?? ''));
    // Cookies that were set on the raw response: Fastify would put the reply's in their place.
    if (name === 'set-cookie') values.unshift(...[raw.getHeader(name) ?? []].flat().map(String));
    // reply.header() adds to cookies and replaces the rest. HTTP/2's API takes no repeated field but cookies.
    const repeat = values.length > 1 && (http1 || name === 'set-cookie') && name !== 'vary';
    reply.header(name, name === 'vary' ? mergeVary(values) : repeat ? values : values.join(', '));
  }
}

/** The values by name, lower-case. */
function grouped(headers: Headers): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
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
