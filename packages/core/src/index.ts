export { Headers } from './headers.js';
export type * from './types.js';
export * from './util/index.js';
