/**
 * The reference server: wsgiref.simple_server on node:net.
 *
 * @module @wsgi/simple-server
 */
export { demoApp } from './demo-app.js';
export { defaultLimits, type ServerLimits } from './limits.js';
export { makeServer, type ServerOptions } from './make-server.js';
export type { WSGIServerOptions } from './options.js';
export type { RequestEvent } from './parser/index.js';
export {
  type BaseEnviron,
  type ClientAddress,
  type HandlerServer,
  WSGIRequestHandler,
} from './request-handler.js';
export { WSGIServer } from './server.js';
export { ServerHandler, type ServerOutput } from './server-handler.js';
export { serverVersion, softwareVersion } from './version.js';
