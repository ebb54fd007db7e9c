/** Middleware by example: each is an application made of another. */
export { basicAuth } from './basic-auth.js';
export { gzip } from './gzip.js';
export { methodOverride } from './method-override.js';
export { requestId } from './request-id.js';
export { type Timing, timing } from './timing.js';
