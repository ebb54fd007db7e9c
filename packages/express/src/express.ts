import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * What is used of Express's request. Express itself is not imported, so that both majors will do, and so that
 * the handler works in a bare node:http server too.
 */
export interface ExpressRequest extends IncomingMessage {
  /** The URL as the client sent it; `url` may have been rewritten. */
  originalUrl?: string | undefined;
  /** The path at which the router is mounted, as sent. */
  baseUrl?: string | undefined;
  /** `http` or `https`, as far as `trust proxy` lets a header say so. */
  protocol?: string | undefined;
  /** The application, asked for its settings. */
  app?: { get(name: string): unknown };
  /** The client's address, as far as `trust proxy` lets a header say so. */
  ip?: string | undefined;
  /** The response to it. */
  res?: unknown;
  /** What a body parser made of the body. */
  body?: unknown;
  /** The bytes of the body, where a parser's `verify` option kept them. */
  rawBody?: unknown;
}

/** Express's response, of which nothing is used that is not Node's. */
export type ExpressResponse = ServerResponse;

/** Express's `next`. */
export type NextFunction = (error?: unknown) => void;
