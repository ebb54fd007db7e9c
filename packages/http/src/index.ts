/**
 * Mounts a gateway application in node:http, https and http2.
 *
 * @module @wsgi/http
 */
import {
  checkScriptName,
  notFound,
  splitMount,
  splitTarget,
  toApplication,
} from '@wsgi/core/handlers';
import {
  type GatewayOptions as CoreOptions,
  checkGatewayOptions,
  extraEntries,
  type MountedTarget,
  NodeHandler,
  type NodeRequest,
  type NodeResponse,
} from '@wsgi/core/node';
import type { ApplicationLike } from '@wsgi/core/types';

/** What {@link mountGateway} takes. */
export interface GatewayOptions extends Omit<CoreOptions<NodeRequest>, 'environ'> {
  /**
   * The host's own entries of the environ, added last, for each request. Default: none.
   *
   * @example
   * ```ts
   * mountGateway(app, { environ: (request: IncomingMessage) => ({ 'my.port': request.socket.remotePort }) });
   * ```
   */
  environ?: Readonly<Record<string, unknown>> | EnvironFunction | undefined;
  /**
   * The path at which the application is mounted: `'/gateway'`. A request outside it gets 404. Default: `''`,
   * every path.
   */
  scriptName?: string | undefined;
}

/**
 * Written as a method, whose parameter TypeScript compares both ways: so a function may say which server its requests
 * are of, as a listener of that server's may.
 */
type EnvironFunction = {
  environ(request: NodeRequest): Readonly<Record<string, unknown>>;
}['environ'];

/** A listener for the `request` event of node:http, https and http2 (compat API) servers. */
export type GatewayListener = (request: NodeRequest, response: NodeResponse) => void;

/**
 * Makes a request listener of a gateway application.
 *
 * @throws TypeError when `app` is no application, or an option has a wrong value.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 *
 * createServer(mountGateway(app)).listen(8000);
 * ```
 */
export function mountGateway(app: ApplicationLike, options: GatewayOptions = {}): GatewayListener {
  const application = toApplication(app);
  checkGatewayOptions(options);
  const scriptName = checkScriptName(options.scriptName);
  const { environ, errors, maxBodySize } = options;

  // Here, because a closure within `gateway` would cost each request a heap allocation, with the option or without.
  const extra = (request: NodeRequest) => () => extraEntries(environ, request);

  return function gateway(request, response) {
    const target = scriptName === '' ? undefined : cut(request.url ?? '/', scriptName);
    new NodeHandler(request, response, {
      target,
      extraEnviron: environ === undefined ? undefined : extra(request),
      errors,
      maxBodySize,
    }).run(target === undefined && scriptName !== '' ? notFound : application);
  };
}

/** A request target cut at the mount; undefined when it is outside. */
function cut(uri: string, scriptName: string): MountedTarget | undefined {
  const { path, query } = splitTarget(uri);
  const mounted = splitMount(path, scriptName);
  if (mounted === undefined) return undefined;
  return { scriptName: mounted.scriptName, pathInfo: mounted.pathInfo, query, uri };
}
