import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import type { RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { serve, versions } from './support.ts';

const BYTES = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index));

function app(...chunks: Uint8Array[]): Application {
  return (_environ, startResponse) => {
    startResponse('200 OK', []);
    return chunks;
  };
}

/** As loggers and caches do it: write and end replaced, to see what goes by. */
function recording(bodies: Buffer[]): RequestHandler {
  return (_request, response, next) => {
    const chunks: Buffer[] = [];
    const { write, end } = response;
    response.write = function replaced(this: typeof response, ...rest: unknown[]) {
      chunks.push(asBytes(rest[0]));
      return Reflect.apply(write, this, rest);
    };
    response.end = function replaced(this: typeof response, ...rest: unknown[]) {
      if (rest[0] !== undefined) chunks.push(asBytes(rest[0]));
      bodies.push(Buffer.concat(chunks));
      return Reflect.apply(end, this, rest);
    };
    next();
  };
}

/** What they all do with a chunk, whatever its encoding was said to be. */
function asBytes(chunk: unknown): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk as Uint8Array);
}

describe.each(versions)('middleware that wraps write and end in $version', ({ express }) => {
  it.each([
    ['one chunk', [BYTES]],
    ['a few chunks', [BYTES.subarray(0, 100), BYTES.subarray(100, 200), BYTES.subarray(200)]],
    ['no chunk', []],
  ])('sees the bytes of %s', async (_name, chunks) => {
    const bodies: Buffer[] = [];
    const host = express();
    host.use(recording(bodies));
    host.use(mountGateway(app(...chunks)));
    const response = await fetch(await serve(host));
    const expected = Buffer.concat(chunks);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(expected);
    expect(bodies).toEqual([expected]);
  });

  it('may hold the end back, and the response is whole when it lets go', async () => {
    const host = express();
    host.use((_request, response, next) => {
      const { end } = response;
      response.end = function replaced(this: typeof response, ...rest: unknown[]) {
        setTimeout(() => Reflect.apply(end, this, rest), 10);
        return this;
      };
      next();
    });
    host.use(mountGateway(app(BYTES)));
    const origin = await serve(host);
    for (let round = 0; round < 2; round += 1) {
      const response = await fetch(origin);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(BYTES);
    }
  });
});
