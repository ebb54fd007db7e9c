import { PassThrough, pipeline, Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Lets the scope's requests through with their bodies unread. */
export function passBodyOn(instance: FastifyInstance): void {
  // The built-in JSON and text parsers would be asked before the catch-all one.
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('*', (_request, payload, done) => {
    // A hook may have made a stream of another library's of it.
    const body =
      payload instanceof Readable ? payload : pipeline(payload, new PassThrough(), () => {});
    // An application that never reads must not make a broken body an uncaught exception.
    body.on('error', () => {});
    done(null, body);
  });
}

/** The unread body: what `preParsing` hooks made of it, or the request itself for methods that carry none. */
export function bodyStream(request: FastifyRequest): Readable {
  return request.body instanceof Readable ? request.body : request.raw;
}
