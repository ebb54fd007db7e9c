/** Mounts a gateway application in Fastify 5. */
export { fastifyGateway, fastifyGateway as default, type GatewayOptions } from './plugin.js';
