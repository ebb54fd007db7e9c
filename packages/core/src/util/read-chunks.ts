import { types } from 'node:util';
import { show } from '../show.js';
import type { InputStream } from '../types.js';

/** What {@link readChunks} reads: any `wsgi.input`. */
interface ChunkedInput extends Pick<InputStream, 'read'> {
  /** What has arrived, at most `size` bytes of it; empty at the end only. An input may lack it. */
  read1?(size: number): Promise<Uint8Array>;
  /** A stream of Node's has one, and a `read()` that gives `null` before its end. It is iterated as it is. */
  pipe?: never;
}

/**
 * The rest of a request's body in chunks, for a body of any size in memory of one chunk.
 *
 * Iterating `wsgi.input` itself gives lines instead, as PEP 3333 says.
 *
 * Chunks come as they arrive, and so of any length up to `size`, where the input can do that as this package's does;
 * else all but the last are full.
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
  input: ChunkedInput,
  size = 65536,
): AsyncGenerator<Uint8Array, void, void> {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new TypeError(`The size of a chunk must be a positive integer, not ${show(size)}.`);
  }
  for (;;) {
    // Where the input can give what has come, nothing is copied and nothing waits for a chunk to be full.
    const chunk = await (input.read1?.(size) ?? input.read(size));
    if (!types.isUint8Array(chunk)) {
      throw new TypeError(
        `readChunks wants a wsgi.input, whose read() promises bytes; this one gave ${show(chunk)}. A stream of Node's is iterated as it is.`,
      );
    }
    if (chunk.length === 0) return;
    yield chunk;
  }
}
