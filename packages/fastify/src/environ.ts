import { type RequestTarget, splitSegments, splitTarget } from '@wsgi/core/handlers';
import type { MountedTarget } from '@wsgi/core/node';
import type { RequestEnviron } from '@wsgi/core/types';
import type { FastifyRequest } from 'fastify';
import { bodyStream } from './input.js';

/** Amends an environ by what Fastify knows: its scheme and its client, by `trustProxy`. */
export function addFastifyVars(environ: RequestEnviron, request: FastifyRequest): void {
  environ['wsgi.url_scheme'] = request.protocol;
  if (request.ip !== environ.REMOTE_ADDR) {
    environ.REMOTE_ADDR = request.ip;
    // The port is the proxy's, and says nothing of the client.
    delete environ.REMOTE_PORT;
  }
  // A preParsing hook that replaced the body, to decompress it perhaps, has changed its length.
  if (bodyStream(request) !== request.raw) environ.CONTENT_LENGTH = '';
}

/**
 * The mount and the rest, cut from the raw URL: `/%67w/x` is inside `/gw`.
 *
 * @param depth - how many segments the mount has; see {@link countSegments}.
 */
export function mountedTarget(request: FastifyRequest, depth: number): MountedTarget {
  const { path, query } = rawTarget(request);
  const isEmptyMeant = path.includes('//') && hasEmpty(request.params);
  // Named, and not spread: a spread object takes several times as long to make.
  const { scriptName, pathInfo } = splitSegments(path, depth, isEmptyMeant);
  return { scriptName, pathInfo, query, uri: request.originalUrl };
}

/** Whether a parameter of the mount stands for nothing: an empty segment is one of the mount's then. */
function hasEmpty(params: unknown): boolean {
  return Object.entries(Object(params)).some(([name, value]) => name !== '*' && value === '');
}

/**
 * The target that Fastify routed by, before decoding.
 *
 * Its router answers 400 to malformed escapes and to ones that spell no UTF-8. A server lets such paths through by a
 * `rewriteUrl` that writes `%25` for each `%`; the path as the client sent it is meant then.
 */
function rawTarget(request: FastifyRequest): RequestTarget {
  const { url = '/' } = request.raw;
  const { originalUrl } = request;
  const routed = splitTarget(url);
  if (url === originalUrl) return routed;
  const sent = splitTarget(originalUrl);
  return routed.path === sent.path.replaceAll('%', '%25') ? sent : routed;
}

/**
 * The number of a prefix's segments. It may hold parameters, so that only the number says where the mount ends;
 * and their patterns, in parentheses, may hold slashes that separate nothing.
 */
export function countSegments(prefix: string): number {
  let count = 0;
  let open = 0;
  let between = true;
  // What a backslash stands before is of a pattern, and opens and closes nothing.
  for (const char of prefix.replaceAll(/\\./g, 'x')) {
    if (char === '(') open += 1;
    else if (char === ')') open -= 1;
    const slash = char === '/' && open === 0;
    if (between && !slash) count += 1;
    between = slash;
  }
  return count;
}
