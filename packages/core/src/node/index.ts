/** The bridge from Node's own requests and responses. */
export { type EnvironOptions, getEnviron, type NodeRequest } from './environ.js';
export { NodeHandler, type NodeHandlerOptions } from './handler.js';
export {
  checkGatewayOptions,
  type EnvironOption,
  extraEntries,
  type GatewayOptions,
} from './options.js';
export { ReadableSource } from './readable-source.js';
export { mergeVary, type NodeResponse } from './response-head.js';
