import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import { addHeader, type MountedPath, percentDecode, splitTarget, toNative } from '../environ.js';
import type { RequestEnviron } from '../types.js';

/** A request of node:http, https or http2's compat API. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

export interface EnvironOptions {
  /** SCRIPT_NAME and PATH_INFO, where the host has cut them. Default: the whole path is PATH_INFO. */
  path?: MountedPath;
  /** SERVER_SOFTWARE. Default: `node/` and Node's version. */
  serverSoftware?: string;
}

const software = `node/${process.versions.node}`;

/**
 * What a request of Node's says, as CGI variables: the environ without the handler's `wsgi.*` part.
 *
 * Header fields come from `rawHeaders`, which keeps what `headers` drops. The scheme and the peer come from the
 * socket only: forwarded headers can be sent by anyone.
 *
 * Source: PEP 3333, "environ Variables"; RFC 3875 section 4.1.
 *
 * @example
 * ```ts
 * createServer((request) => console.log(getEnviron(request).PATH_INFO));
 * ```
 */
export function getEnviron(request: NodeRequest, options: EnvironOptions = {}): RequestEnviron {
  const target = request.url ?? '/';
  const { path, query, authority } = splitTarget(target);
  const mounted = options.path ?? { scriptName: '', pathInfo: percentDecode(path) };
  const socket: Partial<Socket> = request.socket ?? {};
  const https = isSecure(request);
  const environ: RequestEnviron = {
    REQUEST_METHOD: request.method ?? 'GET',
    SCRIPT_NAME: mounted.scriptName,
    PATH_INFO: mounted.pathInfo,
    QUERY_STRING: toNative(query),
    CONTENT_TYPE: '',
    CONTENT_LENGTH: '',
    SERVER_NAME: serverName(socket.localAddress),
    SERVER_PORT: String(socket.localPort ?? (https ? 443 : 80)),
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_SOFTWARE: options.serverSoftware ?? software,
    REQUEST_URI: toNative(target),
    'wsgi.url_scheme': https ? 'https' : 'http',
    'node.request': request,
  };
  if (socket.remoteAddress !== undefined) environ.REMOTE_ADDR = socket.remoteAddress;
  if (socket.remotePort !== undefined) environ.REMOTE_PORT = String(socket.remotePort);
  addHeaders(environ, request.rawHeaders);
  // RFC 9112 section 3.2.2: the authority of an absolute-form target replaces the Host field. HTTP/2 has its own.
  const host =
    authority ?? (request.httpVersionMajor >= 2 ? request.headers[':authority'] : undefined);
  if (typeof host === 'string') environ.HTTP_HOST = toNative(host);
  return environ;
}

function addHeaders(environ: RequestEnviron, rawHeaders: readonly string[]): void {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    addHeader(environ, rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
}

function isSecure(request: NodeRequest): boolean {
  return 'encrypted' in (request.socket ?? {});
}

/** Never empty, and in brackets when it is an IPv6 address (RFC 3875 section 4.1.14). */
function serverName(address: string | undefined): string {
  if (address === undefined || address === '') return 'localhost';
  const ipv4 = address.startsWith('::ffff:') ? address.slice(7) : address;
  return ipv4.includes(':') ? `[${ipv4}]` : ipv4;
}
