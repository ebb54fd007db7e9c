/** What one request may cost before it is refused. */
export interface ParserLimits {
  /** Bytes of the request line and the header fields together, and again of the trailers. Default 16 KiB. */
  readonly maxHeaderSize: number;
  /** Header fields, and again trailer fields. Default 100. */
  readonly maxHeadersCount: number;
  /** Bytes of body that a Content-Length may announce. Default: no limit. */
  readonly maxBodySize: number;
}

/** node:http's size of 16 KiB, and http.server's count of 100 in Python. */
export const defaultParserLimits: ParserLimits = {
  maxHeaderSize: 16 * 1024,
  maxHeadersCount: 100,
  maxBodySize: Number.POSITIVE_INFINITY,
};
