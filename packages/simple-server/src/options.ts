import type { TlsOptions } from 'node:tls';
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
