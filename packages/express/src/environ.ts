import { mountedPath, splitTarget } from '@wsgi/core/handlers';
import type { MountedTarget } from '@wsgi/core/node';
import type { RequestEnviron } from '@wsgi/core/types';
import type { ExpressRequest } from './express.js';

/**
 * Amends an environ by what Express knows of the client, where `trust proxy` lets a header say so.
 *
 * Without that setting Express knows no more than the socket says, and its getters are slow.
 */
export function addExpressVars(environ: RequestEnviron, request: ExpressRequest): void {
  if (request.app?.get('trust proxy') === false) return;
  const { protocol, ip } = request;
  if (protocol !== undefined) environ['wsgi.url_scheme'] = protocol;
  if (ip !== undefined && ip !== environ.REMOTE_ADDR) {
    environ.REMOTE_ADDR = ip;
    // The port is the proxy's, and says nothing of the client.
    delete environ.REMOTE_PORT;
  }
}

/**
 * The mount and the rest. `originalUrl` tells `/gw` from `/gw/` and keeps `/gw//x`, which `url` does not do in
 * every version; but where somebody has rewritten `url`, that is what counts.
 */
export function mountedTarget(request: ExpressRequest): MountedTarget {
  // Express gives each request object a prototype of its own, which makes property access slow: each is read once.
  const { url = '/', originalUrl = url, baseUrl } = request;
  const { path, query } = splitTarget(url);
  const original = originalUrl === url ? path : splitTarget(originalUrl).path;
  const mount = baseUrl ?? strippedMount(original, path);
  const rest = original.startsWith(mount) ? original.slice(mount.length) : path;
  // Of `/gateways/x`, rewritten to `/gateway/s/x`, the mount `/gateway` is no part.
  const inMount = rest === '' || rest.startsWith('/');
  const isWhole = inMount && withoutSlashes(rest) === withoutSlashes(path);
  const { scriptName, pathInfo } = mountedPath(mount, isWhole ? rest : path);
  return { scriptName, pathInfo, query, uri: originalUrl };
}

/**
 * What connect, and others that take its middleware, have cut off `url`: they set `originalUrl` and no `baseUrl`.
 * Nothing, where `url` is not the end of it: somebody has rewritten it.
 */
function strippedMount(original: string, path: string): string {
  // All of it: a path is never left empty.
  if (path === '/' && !original.endsWith('/')) return original;
  return original.endsWith(path) ? original.slice(0, original.length - path.length) : '';
}

function withoutSlashes(path: string): string {
  let start = 0;
  while (path.charCodeAt(start) === 0x2f) start += 1;
  return path.slice(start);
}
