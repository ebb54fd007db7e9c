/** A host of one's own: gateway applications in Koa. */
import {
  asError,
  checkScriptName,
  PayloadTooLargeError,
  splitMount,
  splitTarget,
  toApplication,
} from '@wsgi/core/handlers';
import {
  checkGatewayOptions,
  extraEntries,
  type GatewayOptions,
  NodeHandler,
} from '@wsgi/core/node';
import type { ApplicationLike } from '@wsgi/core/types';
import type { Context, Middleware } from 'koa';

export interface KoaOptions extends GatewayOptions<Context> {
  /** The path at which the application is mounted. Default: `''`, every path. */
  scriptName?: string | undefined;
}

/** Makes a Koa middleware of a gateway application. A request outside `scriptName` goes on to the next one. */
export function mountGateway(app: ApplicationLike, options: KoaOptions = {}): Middleware {
  const application = toApplication(app);
  checkGatewayOptions(options);
  const scriptName = checkScriptName(options.scriptName);
  return async (context, next) => {
    const target = splitTarget(context.originalUrl);
    const path = splitMount(target.path, scriptName);
    if (path === undefined) return next();
    context.respond = false; // Koa is not to answer as well.
    // The forwarded fields count where Koa was told to trust them. The port is the proxy's then, and not the client's.
    const { app: host, protocol, ip } = context;
    const client = host.proxy
      ? { 'wsgi.url_scheme': protocol, REMOTE_ADDR: ip, REMOTE_PORT: undefined }
      : {};
    const handler = new KoaHandler(context.req, context.res, {
      target: { ...path, query: target.query, uri: context.originalUrl },
      extraEnviron: () => ({ ...client, ...extraEntries(options.environ, context) }),
      errors: options.errors,
      maxBodySize: options.maxBodySize,
    });
    await handler.run(application);
    if (handler.error === undefined) return;
    // A middleware before this one may catch the error, and set a response that Koa is to send.
    context.respond = true;
    throw handler.error;
  };
}

/** A handler that leaves its errors to Koa, as long as Koa can answer. */
class KoaHandler extends NodeHandler {
  error: Error | undefined;

  override handleError(error: unknown): void | Promise<void> {
    const answered = this.response.headersSent || this.clientGone;
    if (answered || error instanceof PayloadTooLargeError) return super.handleError(error);
    this.report(error);
    this.error = asError(error);
    return this.leaveAnswer(() => this.letGoOfRequest());
  }
}
