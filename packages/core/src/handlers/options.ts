import { show } from '../show.js';
import type { ErrorStream } from '../types.js';
import { isPromise } from './promise.js';

/** Entries for the environ: an object, or a function of the host's own request. */
export type EnvironOption<Request> =
  | Readonly<Record<string, unknown>>
  | ((request: Request) => Readonly<Record<string, unknown>>);

/** What every host that mounts an application takes. */
export interface GatewayOptions<Request> {
  /**
   * The host's own entries of the environ, added last, for each request. Default: none.
   *
   * @example
   * ```ts
   * mountGateway(app, { environ: (request) => ({ REMOTE_USER: request.user.name }) });
   * ```
   */
  environ?: EnvironOption<Request> | undefined;
  /** Where `wsgi.errors` goes. Default: the host's log, or else standard error. */
  errors?: ErrorStream | undefined;
  /**
   * The most bytes that a request's body may hold. A request that says it is larger is answered with 413 before
   * the application runs; of one that turns out larger, the read rejects. Default: no limit.
   */
  maxBodySize?: number | undefined;
}

/**
 * Checks the options at mount, so that a mistake does not wait for the first request.
 *
 * @throws TypeError with the option, its value and what it takes.
 */
export function checkGatewayOptions(options: GatewayOptions<never>): void {
  // A string, for instance: the path of the mount, by mistake.
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `the options must be an object such as { maxBodySize: 1_000_000 }, not ${show(options)}`,
    );
  }
  const { environ, errors, maxBodySize } = options;
  if (
    maxBodySize !== undefined &&
    !(typeof maxBodySize === 'number' && maxBodySize >= 0 && !Number.isNaN(maxBodySize))
  ) {
    throw new TypeError(
      `maxBodySize must be a number of bytes, 0 or more, not ${show(maxBodySize)}`,
    );
  }
  if (errors !== undefined) checkErrors(errors);
  const kind = typeof environ;
  if (environ !== undefined && kind !== 'function' && (kind !== 'object' || environ === null)) {
    throw new TypeError(
      `environ must be an object or a function of the request that returns one, not ${show(environ)}`,
    );
  }
}

/** A Node stream has no `flush`, and would do only until the first error is reported. */
function checkErrors(errors: ErrorStream): void {
  const missing = (['write', 'writelines', 'flush'] as const).find(
    (method) => typeof errors?.[method] !== 'function',
  );
  if (missing === undefined) return;
  throw new TypeError(
    `errors must be an error stream with write(text), writelines(lines) and flush(), and has no ${missing}; new TextErrors((text) => ...) makes one`,
  );
}

/** The statuses of an application that has no such page, or no such method for it. */
const NOT_MINE: readonly number[] = [404, 405];

/** What a host takes that can pass a request on: to the next middleware, or to a not-found handler. */
export interface CascadeOptions {
  /**
   * The statuses with which the application says that a request is not its own: the request then goes on in the
   * host, and nothing of the response is sent. `true` stands for 404 and 405. Default: `false`, none.
   *
   * What the application has read of the request's body, nobody else can read again.
   */
  cascade?: boolean | readonly number[] | undefined;
}

/**
 * The statuses of a `cascade` option; undefined when there are none.
 *
 * @throws TypeError with the value and what the option takes.
 */
export function cascadeStatuses(cascade: unknown): readonly number[] | undefined {
  if (cascade === undefined || cascade === false) return undefined;
  if (cascade === true) return NOT_MINE;
  if (!Array.isArray(cascade) || !cascade.every(isStatus)) {
    throw new TypeError(
      `cascade must be true (for 404 and 405), false, or an array of statuses from 200 to 599, not ${show(cascade)}`,
    );
  }
  return cascade.length === 0 ? undefined : [...cascade];
}

function isStatus(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599;
}

/**
 * The entries that an `environ` option gives for a request.
 *
 * @throws TypeError when the function returns a promise: the application is called at once, so there is no time to
 *   wait for one.
 */
export function extraEntries<Request>(
  environ: EnvironOption<Request> | undefined,
  request: Request,
): Readonly<Record<string, unknown>> | undefined {
  if (typeof environ !== 'function') return environ;
  const entries = environ(request);
  if (!isPromise(entries)) return entries;
  entries.then(undefined, () => {});
  throw new TypeError(
    'the option environ must return an object, not a promise: wait in a middleware or a hook before the application, and return what it has found',
  );
}
