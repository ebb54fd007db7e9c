import type { Readable } from 'node:stream';
import type { ErrorStream, InputStream } from '../types.js';
import type { MountedTarget } from './environ.js';

/** What a `NodeHandler` takes. */
export interface NodeHandlerOptions {
  /** The request target, where the host has cut it. Default: all of the request's path is PATH_INFO. */
  target?: MountedTarget | undefined;
  /** The host's own entries of the environ, added last. Default: none. */
  extraEnviron?: (() => Readonly<Record<string, unknown>> | undefined) | undefined;
  /** `wsgi.errors`. Default: standard error. */
  errors?: ErrorStream | undefined;
  /** `wsgi.input`. Default: the body, read from `body`. */
  input?: InputStream | undefined;
  /** The stream that holds the request's body. Default: the request. */
  body?: Readable | undefined;
  /** The most bytes that a request's body may hold. Default: no limit. */
  maxBodySize?: number | undefined;
  /** The statuses with which the application leaves the request to somebody else, see `_passOn`. Default: none. */
  cascade?: readonly number[] | undefined;
}
