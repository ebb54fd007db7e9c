import { show } from '../show.js';
import type { InputStream } from '../types.js';

/**
 * The rest of a request's body in chunks, for a body of any size in memory of one chunk.
 *
 * Iterating `wsgi.input` itself gives lines instead, as PEP 3333 says.
 *
 * @param size - the most bytes in a chunk; 65536 when left out.
 * @throws TypeError at the first step when `size` is no positive integer.
 *
 * @example
 * ```ts
 * for await (const chunk of readChunks(environ['wsgi.input'])) hash.update(chunk);
 * ```
 */
export async function* readChunks(
  input: Pick<InputStream, 'read'>,
  size = 65536,
): AsyncGenerator<Uint8Array, void, void> {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new TypeError(`The size of a chunk must be a positive integer, not ${show(size)}.`);
  }
  for (;;) {
    const chunk = await input.read(size);
    if (chunk.length === 0) return;
    yield chunk;
  }
}
