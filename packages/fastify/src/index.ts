/**
 * Mounts a gateway application in Fastify 5.
 *
 * @module @wsgi/fastify
 */
export type { GatewayOptions, GatewayRequest } from './options.js';
export { fastifyGateway, fastifyGateway as default } from './plugin.js';
