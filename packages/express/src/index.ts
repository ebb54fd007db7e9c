/** Mounts a gateway application in Express 4 and 5. */
export { type ExpressHandler, type GatewayOptions, mountGateway } from './mount.js';
