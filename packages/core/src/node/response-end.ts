import { bytesToNative } from '../util/native.js';
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
  // A string Node joins to the header fields, and sends one buffer; bytes it sends as a second one. Middleware that has
  // wrapped `end` to see the body gets the bytes.
  else if (passage !== 'wrapped' && last.length <= SMALL)
    response.end(bytesToNative(last), 'latin1');
  else response.end(last);
}
