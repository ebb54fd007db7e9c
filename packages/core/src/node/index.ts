/** The bridge from Node's own requests and responses. */
export {
  type CascadeOptions,
  cascadeStatuses,
  checkGatewayOptions,
  type EnvironOption,
  extraEntries,
  type GatewayOptions,
} from '../handlers/options.js';
export { resetConnection } from './connection.js';
export {
  type EnvironOptions,
  getEnviron,
  type MountedTarget,
  type NodeRequest,
} from './environ.js';
export { Gate } from './gate.js';
export { NodeHandler } from './handler.js';
export { lingerBehindAnswer } from './linger.js';
export type { NodeHandlerOptions } from './options.js';
export { http2Fields, isBare, mergeVary, type NodeResponse } from './response-head.js';
export { type Holder, HolderInContext, mayHold } from './turn.js';
