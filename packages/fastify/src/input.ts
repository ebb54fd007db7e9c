import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Lets the scope's requests through with their bodies unread. */
export function passBodyOn(instance: FastifyInstance): void {
  // The built-in JSON and text parsers would be asked before the catch-all one.
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('*', (_request, payload, done) => {
    // An application that never reads must not make a broken body an uncaught exception.
    payload.on('error', () => {});
    done(null, payload);
  });
}

/** The unread body: what `preParsing` hooks made of it, or the request itself for methods that carry none. */
export function bodyStream(request: FastifyRequest): Readable {
  return request.body instanceof Readable ? request.body : request.raw;
}
