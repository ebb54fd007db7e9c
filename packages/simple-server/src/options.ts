import type { TlsOptions } from 'node:tls';
import { inspect } from 'node:util';
import type { GatewayOptions } from '@wsgi/core/node';
import type { ServerLimits } from './limits.js';
import type { RequestEvent } from './parser/index.js';
import type { WSGIRequestHandler } from './request-handler.js';

/** What a `WSGIServer` takes. */
export interface WSGIServerOptions extends GatewayOptions<RequestEvent>, Partial<ServerLimits> {
  /**
   * The path at which the application is mounted, for a proxy that passes one on: `'/gateway'`. A request outside
   * it gets 404. Default: `''`, every path.
   */
  scriptName?: string | undefined;
  /** Handles the requests of a connection. Default {@link WSGIRequestHandler}. */
  handlerClass?: typeof WSGIRequestHandler | undefined;
  /** Serves https with this key and certificate: the options of `tls.createServer`. */
  tls?: TlsOptions | undefined;
  /** Takes each line of the access log; `false` for no log. Default: standard error. */
  log?: ((line: string) => void) | false | undefined;
}

/**
 * Checks what the types say, for users of JavaScript: a wrong value would show only at the first connection.
 *
 * @throws TypeError with the option, its value and what it takes.
 */
export function checkServerOptions({ log, tls, handlerClass }: WSGIServerOptions): void {
  if (log !== undefined && log !== false && typeof log !== 'function') {
    refuse('log', log, 'a function of one line, or false for no access log');
  }
  if (tls !== undefined && (typeof tls !== 'object' || tls === null)) {
    refuse('tls', tls, 'the options of tls.createServer, such as { key, cert }');
  }
  if (handlerClass !== undefined && typeof handlerClass?.prototype?.makeHandler !== 'function') {
    refuse('handlerClass', handlerClass, 'a class that extends WSGIRequestHandler');
  }
}

function refuse(name: string, value: unknown, what: string): never {
  throw new TypeError(`${name} must be ${what}, not ${inspect(value, { depth: 0 })}`);
}
