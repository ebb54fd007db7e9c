/**
 * The whole of WSGI for Node but its servers; each module is a subpath of its own, too.
 *
 * @module @wsgi/core
 */
export * from './handlers/index.js';
export { Headers } from './headers.js';
export * from './node/index.js';
export type * from './types.js';
export * from './util/index.js';
export * from './validate/index.js';
