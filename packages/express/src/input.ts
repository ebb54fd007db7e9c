import { BodyInput, type ByteSource } from '@wsgi/core/handlers';
import type { InputStream } from '@wsgi/core/types';
import type { ExpressRequest } from './express.js';

/**
 * The body of a request that middleware has read already, or undefined when it is still to be read.
 *
 * It is only ever given back byte for byte: what was parsed and written again would not be what was signed.
 */
export function parsedInput(request: ExpressRequest, limit: number): InputStream | undefined {
  // Express 4's json parser leaves `{}` on a GET that it did not touch, so `body` itself proves nothing.
  if (!request.readableDidRead) return undefined;
  const bytes = bytesOf(request.rawBody) ?? bytesOf(request.body);
  return new BodyInput(bytes === undefined ? consumed : once(bytes), { limit });
}

function bytesOf(body: unknown): Uint8Array | undefined {
  if (body instanceof Uint8Array) return body;
  return typeof body === 'string' ? Buffer.from(body) : undefined;
}

function once(bytes: Uint8Array): ByteSource {
  let left: Uint8Array | null = bytes;
  return {
    pull() {
      const chunk = left;
      left = null;
      return chunk;
    },
  };
}

const consumed: ByteSource = {
  pull() {
    throw new Error(
      "the request body has been read by a parser before the gateway application: mount the application before the parser, or keep the bytes with the parser's option verify: (request, _response, bytes) => { request.rawBody = bytes; }",
    );
  },
};
