import type { NodeResponse, Passage } from './response-head.js';

/** Up to this size a copy costs less than a second buffer in the write. */
export const SMALL = 4096;

/** Ends a response, with the last chunk of its body where that was held until now. */
export function endWith(
  response: NodeResponse,
  last: Uint8Array | undefined,
  passage: Passage,
): void {
  if (last === undefined) response.end();
  // Node joins a string to the header fields and sends one buffer; of bytes it sends two. Middleware that has
  // wrapped `end` to see the body shall see the bytes.
  else if (passage !== 'wrapped' && last.length <= SMALL) response.end(latin1(last), 'latin1');
  else response.end(last);
}

function latin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString('latin1');
}
