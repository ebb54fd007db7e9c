import { splitSegments, splitTarget } from '@wsgi/core/handlers';
import { getEnviron } from '@wsgi/core/node';
import type { RequestEnviron } from '@wsgi/core/types';
import type { FastifyRequest } from 'fastify';
import { bodyStream } from './input.js';

/** What Fastify knows of a request, as an environ: its mount, its scheme and its client, by `trustProxy`. */
export function fastifyEnviron(request: FastifyRequest, prefix: string): RequestEnviron {
  const { raw } = request;
  const environ = getEnviron(raw, {
    path: splitSegments(splitTarget(raw.url ?? '/').path, countSegments(prefix)),
  });
  environ.REQUEST_URI = request.originalUrl;
  environ['wsgi.url_scheme'] = request.protocol;
  if (request.ip !== environ.REMOTE_ADDR) {
    environ.REMOTE_ADDR = request.ip;
    // The port is the proxy's, and says nothing of the client.
    delete environ.REMOTE_PORT;
  }
  // A preParsing hook that replaced the body, to decompress it perhaps, has changed its length.
  if (bodyStream(request) !== raw) environ.CONTENT_LENGTH = '';
  return environ;
}

/** The prefix may hold parameters, so that only the number of its segments says where the mount ends. */
function countSegments(prefix: string): number {
  return prefix.split('/').filter((segment) => segment !== '').length;
}
