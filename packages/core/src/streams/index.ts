/** `wsgi.input` and `wsgi.errors`, over whatever source and sink a host has. */
export { standardErrors, TextErrors } from './errors.js';
export { BodyInput, type BodyInputOptions, type ByteSource, emptySource } from './input.js';
export { LengthSource } from './length-source.js';
export { ReadableSource } from './readable-source.js';
