/** wsgiref's handlers, and what the author of a host needs besides. */
export { LONGEST_DRAIN, MOST_DRAINED } from '../drain-limits.js';
export { ClientDisconnectedError, PayloadTooLargeError } from '../errors.js';
export { addHeaders, headerKey } from '../request-headers.js';
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
export {
  checkScriptName,
  type MountedPath,
  mountedPath,
  percentDecode,
  type RequestTarget,
  splitMount,
  splitSegments,
  splitTarget,
} from '../target.js';
export { bytesToNative } from '../util/native.js';
export { toApplication } from './application.js';
export { BaseHandler } from './base.js';
export { BaseCGIHandler, CGIHandler, type CGIOptions, IISCGIHandler } from './cgi.js';
export { notFound } from './not-found.js';
export {
  checkGatewayOptions,
  type EnvironOption,
  extraEntries,
  type GatewayOptions,
} from './options.js';
export { readEnviron } from './read-environ.js';
export { asError } from './report.js';
export { type OutputStream, SimpleHandler } from './simple.js';
export { nextTurn } from './turn-share.js';
