/** wsgiref's handlers, and what the author of a host needs besides. */
export {
  addHeaders,
  checkScriptName,
  headerKey,
  type MountedPath,
  mountedPath,
  percentDecode,
  type RequestTarget,
  splitMount,
  splitSegments,
  splitTarget,
} from '../environ.js';
export { ClientDisconnectedError, PayloadTooLargeError } from '../errors.js';
export {
  BodyInput,
  type BodyInputOptions,
  type ByteSource,
  emptySource,
  LengthSource,
  ReadableSource,
  standardErrors,
  TextErrors,
} from '../streams/index.js';
export { toApplication } from './application.js';
export { BaseHandler } from './base.js';
export { BaseCGIHandler, CGIHandler, type CGIOptions, IISCGIHandler } from './cgi.js';
export {
  checkGatewayOptions,
  type EnvironOption,
  extraEntries,
  type GatewayOptions,
} from './options.js';
export { readEnviron } from './read-environ.js';
export { asError } from './report.js';
export { type OutputStream, SimpleHandler } from './simple.js';
