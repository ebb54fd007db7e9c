import type { CascadeOptions, GatewayOptions as CoreOptions } from '@wsgi/core/node';
import type { ApplicationLike } from '@wsgi/core/types';
import type {
  FastifyRequest,
  RawServerBase,
  RegisterOptions,
  RouteGenericInterface,
} from 'fastify';

/** The options of the plugin; `logLevel` and `logSerializers`, which Fastify takes for every plugin, among them. */
export interface GatewayOptions
  extends Omit<CoreOptions<GatewayRequest>, 'environ'>,
    CascadeOptions,
    RegisterOptions {
  /** The gateway application. */
  app: ApplicationLike;
  /**
   * The path at which the application is mounted, without a slash at its end; it may hold `:parameters`. Fastify's
   * own option. Default: every path of the scope.
   */
  prefix?: string;
  /**
   * The host's own entries of the environ, added last, for each request. Default: none.
   *
   * @example
   * ```ts
   * environ: (request) => ({ 'host.request_id': request.id })
   * environ: (request: FastifyRequest<{ Params: { tenant: string } }>) => ({ tenant: request.params.tenant })
   * ```
   */
  environ?: Readonly<Record<string, unknown>> | EnvironFunction | undefined;
}

/** A request of any of the servers that Fastify runs on. */
export type GatewayRequest = FastifyRequest<RouteGenericInterface, RawServerBase>;

/**
 * Written as a method, whose parameters TypeScript compares bivariantly: so a function may say what the prefix's
 * parameters are, or which server the request is of, as a route's handler may.
 */
type EnvironFunction = {
  environ(request: GatewayRequest): Readonly<Record<string, unknown>>;
}['environ'];
