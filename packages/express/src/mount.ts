import { toApplication } from '@wsgi/core/handlers';
import {
  type CascadeOptions,
  type GatewayOptions as CoreOptions,
  cascadeStatuses,
  checkGatewayOptions,
  extraEntries,
} from '@wsgi/core/node';
import type { ApplicationLike } from '@wsgi/core/types';
import type { ExpressRequest, ExpressResponse, NextFunction } from './express.js';
import { ExpressGatewayHandler } from './handler.js';
import { shareShape } from './shape.js';

/** What {@link mountGateway} takes. */
export interface GatewayOptions<Request extends ExpressRequest = ExpressRequest>
  extends CoreOptions<Request>,
    CascadeOptions {}

/** A request handler as `app.use` takes it. */
export type ExpressHandler<Request extends ExpressRequest = ExpressRequest> = (
  request: Request,
  response: ExpressResponse,
  next?: NextFunction,
) => void;

/**
 * Makes an Express handler of a gateway application.
 *
 * SCRIPT_NAME is the path at which it is mounted. An application's error goes to `next(error)`, so that the
 * host's error page is shown. Header fields that middleware set before are kept.
 *
 * @throws TypeError when `app` is no application, or an option has a wrong value.
 *
 * @example
 * ```ts
 * const app = express();
 * app.use('/gateway', mountGateway(myApp));
 * ```
 */
export function mountGateway<Request extends ExpressRequest = ExpressRequest>(
  app: ApplicationLike,
  options: GatewayOptions<Request> = {},
): ExpressHandler<Request> {
  const application = toApplication(app);
  checkGatewayOptions(options);
  const { environ, errors, maxBodySize } = options;
  const cascade = cascadeStatuses(options.cascade);

  // Exactly three parameters: Express takes a function of four for error middleware. Nothing is returned: a
  // rejected promise would hang Express 4 and call `next` by itself on 5.
  return function gateway(request, response, next) {
    shareShape(request, response);
    new ExpressGatewayHandler(request, response, next, {
      extraEnviron: environ === undefined ? undefined : () => extraEntries(environ, request),
      errors,
      maxBodySize,
      cascade,
    }).run(application);
  };
}
