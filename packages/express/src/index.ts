/**
 * Mounts a gateway application in Express 4 and 5.
 *
 * @module @wsgi/express
 */
export { type ExpressHandler, type GatewayOptions, mountGateway } from './mount.js';
