/** Mounts a gateway application in Fastify 5. */
export type { GatewayOptions, GatewayRequest } from './options.js';
export { fastifyGateway, fastifyGateway as default } from './plugin.js';
