/** One vocabulary for what a client does, so that a behaviour says it once for HTTP/1 and HTTP/2. */

export type HeaderPairs = ReadonlyArray<readonly [name: string, value: string]>;

export interface RequestSpec {
  /** Default: GET. */
  method?: string;
  /** The request target, sent byte for byte (latin-1). Default: the mount's own path and `/`. */
  target?: string;
  /** Sent besides Host (`:authority`), in this order. */
  headers?: HeaderPairs;
  /** The Host field's value (`:authority`). Default: the server's own address. */
  host?: string;
  /** A body sent with its Content-Length. */
  body?: Uint8Array | string;
  /**
   * An upload that the behaviour drives by `send` and `finish`: `'unsized'` without a length (chunked coding on
   * HTTP/1, bare DATA frames on HTTP/2), or a number, its Content-Length.
   */
  upload?: 'unsized' | number;
  /** The oldest protocol that this client speaks: HTTP/1.0 where there is one. Default: false. */
  oldest?: boolean;
  /** Ask for the connection to be closed after the response, where the protocol can say so. */
  close?: boolean;
  /** Takes the body's bytes instead of keeping them. */
  sink?: (chunk: Uint8Array) => void;
}

export interface ResponseHead {
  status: number;
  /** Only HTTP/1 has one. */
  reason: string | undefined;
  /** Names in lower case, in the order of arrival; HTTP/2's are grouped by name. */
  headers: Array<[name: string, value: string]>;
}

export interface ClientResponse extends ResponseHead {
  body: Buffer;
  /** The body as UTF-8. */
  text: string;
  /** Whether a careful client can tell that it has the whole response. */
  complete: boolean;
  /** Every value of one field, by its lower case name. */
  all(name: string): string[];
  /** One field's value; `undefined` when absent, an error when repeated. */
  header(name: string): string | undefined;
}

/** One request and its response, under way. */
export interface Exchange {
  /** Sends a part of an upload; resolves when the transport took it. Rejects once the server closed. */
  send(chunk: Uint8Array | string): Promise<void>;
  /** Ends an upload. */
  finish(): void;
  /** The status and header fields; rejects when the connection ends before them. */
  readonly head: Promise<ResponseHead>;
  /** The whole response, complete or not. A connection that ends before the head gives status 0. Never rejects. */
  readonly response: Promise<ClientResponse>;
  /** Resolves as soon as the body received holds `text`; rejects when it ended without. */
  until(text: string): Promise<void>;
  /** 1xx responses so far. */
  readonly informational: number[];
  /** Stops reading, so that the transport fills. */
  pause(): void;
  resume(): void;
  /** Goes away abruptly: what a closed browser tab does. */
  abort(): void;
}

export interface Connection {
  readonly localAddress: string;
  readonly localPort: number;
  /** Sends a request now, without waiting for responses to earlier ones (pipelined on HTTP/1). */
  start(spec?: RequestSpec): Exchange;
  /** Whether the server has closed it, or said that it will. */
  readonly closed: boolean;
  close(): void;
}

/** What a client must know of a server. */
export interface Endpoint {
  port: number;
  secure: boolean;
  protocol: 'http1' | 'http2';
  /** The path that `RequestSpec.target` defaults to. */
  target: string;
}

/** What stands on the request line, or in `:path`: HTTP/2 sends the parts of an absolute target in fields of their own. */
export function wireTarget({ protocol }: Endpoint, target: string): string {
  const absolute = splitAbsolute(target);
  return protocol === 'http2' && absolute !== undefined ? absolute.path : target;
}

export function splitAbsolute(
  target: string,
): { scheme: string; authority: string; path: string } | undefined {
  const match = /^([a-z]+):\/\/([^/]+)(.*)$/.exec(target);
  if (match === null) return undefined;
  return { scheme: match[1] ?? '', authority: match[2] ?? '', path: match[3] ?? '' };
}

export const toBytes = (data: Uint8Array | string): Uint8Array =>
  typeof data === 'string' ? Buffer.from(data) : data;
