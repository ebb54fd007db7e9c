/** The errors that a host raises on behalf of the client, and what can be asked of any error. */
import { types } from 'node:util';

/** The client has gone: it closed the connection before the response, or its own body, was whole. */
export class ClientDisconnectedError extends Error {
  readonly code = 'ECONNRESET';
  override readonly name: string = 'ClientDisconnectedError';

  constructor(message = 'the client closed the connection') {
    super(message);
  }
}

/**
 * The request's body is larger than the host's `maxBodySize`.
 *
 * It carries the status under both names that Node's frameworks look for, so that Express's and Fastify's
 * error handlers answer 413 too.
 */
export class PayloadTooLargeError extends Error {
  readonly code = 'ERR_BODY_TOO_LARGE';
  override readonly name: string = 'PayloadTooLargeError';
  readonly status = 413;
  readonly statusCode = 413;
  /** The limit that was passed, in bytes. */
  readonly limit: number;

  constructor(limit: number) {
    super(`the request body is larger than the limit of ${limit} bytes (maxBodySize)`);
    this.limit = limit;
  }
}

/** Whether it is an Error, of whatever realm: of a test runner's own, say. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

const DISCONNECT_CODES: ReadonlySet<unknown> = new Set([
  'ABORT_ERR',
  'ECONNABORTED',
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/**
 * Whether an error, or what caused it, says no more than that some connection ended.
 *
 * Only once the client has gone does that mean that nothing is wrong: an application's database ends connections too.
 */
export function isDisconnect(error: unknown): boolean {
  return someCause(
    error,
    (cause) => cause.name === 'AbortError' || ('code' in cause && DISCONNECT_CODES.has(cause.code)),
  );
}

/**
 * Whether an error, or one of its causes, passes a test. The chain is followed to a depth that no honest one reaches, and
 * an error that throws when it is looked at passes none.
 */
export function someCause(error: unknown, test: (cause: Error) => boolean): boolean {
  try {
    let link = error;
    for (let depth = 0; depth < 8 && isError(link); depth += 1) {
      if (test(link)) return true;
      link = link.cause;
    }
  } catch {
    // What was thrown is the application's: its getters may throw in turn.
  }
  return false;
}
