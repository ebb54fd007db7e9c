export { CHUNKED, type Framing } from './framing.js';
export { defaultParserLimits, type ParserLimits } from './limits.js';
export { ProtocolError } from './protocol-error.js';
export type { RequestLine } from './request-line.js';
export {
  type DataEvent,
  type EndEvent,
  type ParserEvent,
  type RequestEvent,
  RequestParser,
} from './request-parser.js';
