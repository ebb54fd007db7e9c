import { type MountedPath, percentDecode, splitTarget } from '@wsgi/core/handlers';
import type { RequestEnviron } from '@wsgi/core/types';
import type { ExpressRequest } from './express.js';

/** Amends an environ by what Express knows: its scheme and its client, by `trust proxy`, and a rewritten URL. */
export function addExpressVars(environ: RequestEnviron, request: ExpressRequest): void {
  environ.QUERY_STRING = splitTarget(request.url ?? '/').query;
  if (request.originalUrl !== undefined) environ.REQUEST_URI = request.originalUrl;
  if (request.protocol !== undefined) environ['wsgi.url_scheme'] = request.protocol;
  if (request.ip !== undefined && request.ip !== environ.REMOTE_ADDR) {
    environ.REMOTE_ADDR = request.ip;
    // The port is the proxy's, and says nothing of the client.
    delete environ.REMOTE_PORT;
  }
}

/**
 * The mount and the rest. `originalUrl` tells `/gw` from `/gw/` and keeps `/gw//x`, which `url` does not do in
 * every version; but where somebody has rewritten `url`, that is what counts.
 */
export function mountedPath(request: ExpressRequest): MountedPath {
  const baseUrl = request.baseUrl ?? '';
  const { path } = splitTarget(request.url ?? '/');
  const original = splitTarget(request.originalUrl ?? request.url ?? '/').path;
  const rest = original.startsWith(baseUrl) ? original.slice(baseUrl.length) : path;
  return {
    scriptName: percentDecode(baseUrl),
    pathInfo: percentDecode(withoutSlashes(rest) === withoutSlashes(path) ? rest : path),
  };
}

function withoutSlashes(path: string): string {
  let start = 0;
  while (path.charCodeAt(start) === 0x2f) start += 1;
  return path.slice(start);
}
