/**
 * How much of a body that nobody wants is still taken in, and for how long: so that its connection can serve on, or
 * close without costing the client the response (RFC 9112 sections 9.3 and 9.6).
 */
export const MOST_BYTES: number = 16 * 1024 * 1024;
export const MOST_MILLISECONDS = 5_000;
