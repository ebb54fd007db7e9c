/**
 * How much of a body that nobody wants is still taken in, so that its connection can serve on, or close without costing
 * the client the response (RFC 9112 sections 9.3 and 9.6). In bytes.
 */
export const MOST_DRAINED: number = 16 * 1024 * 1024;

/** For how long a body that nobody wants is still taken in. In milliseconds. */
export const LONGEST_DRAIN = 5_000;
