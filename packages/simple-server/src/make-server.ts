import type { ApplicationLike } from '@wsgi/core';
import type { WSGIServerOptions } from './options.js';
import { WSGIServer } from './server.js';

/** What {@link makeServer} takes. */
export interface ServerOptions<Server extends WSGIServer = WSGIServer> extends WSGIServerOptions {
  /** Default {@link WSGIServer}. */
  serverClass?: ServerClass<Server> | undefined;
}

type ServerClass<Server extends WSGIServer> = new (
  host: string,
  options?: WSGIServerOptions,
) => Server;

/**
 * Makes a server that listens and serves an application: wsgiref's `make_server`.
 *
 * @param host - a name or an address, `''` for all addresses; with a slash in it, the path of a Unix socket.
 * @param port - 0 for any free one; of no meaning with a Unix socket.
 * @returns a promise that rejects with the system's error when the address cannot be had (EADDRINUSE, say), and
 *   with a TypeError or RangeError for what is no application or a bad option.
 *
 * @example
 * ```ts
 * await using server = await makeServer('127.0.0.1', 8000, demoApp);
 * console.log(`Serving on ${server.url}`);
 * await server.serveForever();
 * ```
 */
export function makeServer<Server extends WSGIServer>(
  host: string,
  port: number,
  app: ApplicationLike,
  options: ServerOptions<Server> & { serverClass: ServerClass<Server> },
): Promise<Server>;
/** {@link makeServer} without a class of one's own. */
export function makeServer(
  host: string,
  port: number,
  app: ApplicationLike,
  options?: ServerOptions,
): Promise<WSGIServer>;
export async function makeServer(
  host: string,
  port: number,
  app: ApplicationLike,
  options: ServerOptions = {},
): Promise<WSGIServer> {
  const { serverClass = WSGIServer, ...serverOptions } = options;
  const server = new serverClass(host, serverOptions);
  server.setApp(app);
  await server.listen(port);
  return server;
}
