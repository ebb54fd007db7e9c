/**
 * The codes that a stream of HTTP/2 is closed with (RFC 9113 section 7). Not those of node:http2: to load it takes
 * longer than all of ours, and most hosts have no use for it.
 */
export const NO_ERROR = 0;
export const INTERNAL_ERROR = 2;
