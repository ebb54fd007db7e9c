/**
 * The codes that a stream of HTTP/2 is closed with (RFC 9113 section 7). Not those of node:http2, which takes
 * milliseconds and most of a megabyte to load, and which most hosts have no use for.
 */
export const NO_ERROR = 0;
export const INTERNAL_ERROR = 2;
