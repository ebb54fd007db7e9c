export { standardErrors, TextErrors } from './errors.js';
export { BodyInput, type BodyInputOptions, type ByteSource, emptySource } from './input.js';
