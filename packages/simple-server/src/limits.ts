import { maxHeaderSize } from 'node:http';
import { inspect } from 'node:util';

/** What a client may cost, under node:http's own names. Times are in milliseconds; 0 switches a time off. */
export interface ServerLimits {
  /** For the request line and header fields to arrive whole, else 408. Default 60 s. */
  headersTimeout: number;
  /** For a request to arrive whole, body included, else 408. Default 300 s. */
  requestTimeout: number;
  /** For the next request of a kept connection to begin. Default 5 s. */
  keepAliveTimeout: number;
  /** For a client that holds a response up to take some of it. Default 120 s. */
  timeout: number;
  /** Requests on one connection, which is closed then; 0 for any number. Default 10,000. */
  maxRequestsPerSocket: number;
  /** Connections at one time; further ones are dropped. Default 0: as many as the system gives. */
  maxConnections: number;
  /** Bytes of request line and header fields, else 414 or 431. Default: node:http's, 16 KiB. */
  maxHeaderSize: number;
  /** Header fields, else 431. Default 100. */
  maxHeadersCount: number;
}

/** The limits of a server that is given none of its own. */
export const defaultLimits: Readonly<ServerLimits> = {
  headersTimeout: 60_000,
  requestTimeout: 300_000,
  keepAliveTimeout: 5_000,
  timeout: 120_000,
  maxRequestsPerSocket: 10_000,
  maxConnections: 0,
  maxHeaderSize,
  maxHeadersCount: 100,
};

/** What a limit must be at least, where 0 does not switch it off. */
const LEAST: Readonly<Partial<ServerLimits>> = { maxHeaderSize: 1, maxHeadersCount: 1 };

/**
 * The defaults, with what `options` sets in their place.
 *
 * @throws RangeError for a value that is no whole number, or too small.
 */
export function resolveLimits(options: Partial<ServerLimits>): ServerLimits {
  const limits: ServerLimits = { ...defaultLimits };
  for (const name of Object.keys(defaultLimits) as Array<keyof ServerLimits>) {
    const value = options[name];
    if (value === undefined) continue;
    const least = LEAST[name] ?? 0;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(
        `${name} must be a whole number from ${least} on, not ${inspect(value)}`,
      );
    }
    limits[name] = value;
  }
  return limits;
}

/** The time of a deadline that does not come. */
export const NEVER: number = Number.POSITIVE_INFINITY;

/** Milliseconds that a limit of time gives: 0 switches it off. */
export function span(limit: number): number {
  return limit === 0 ? NEVER : limit;
}
