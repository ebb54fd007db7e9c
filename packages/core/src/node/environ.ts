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
  const environ = requestVars(request, options.path);
  addHeaders(environ, request);
  return environ;
}

/** The environ's part that every request has, in one literal: so that all environs have one shape. */
export function requestVars(request: NodeRequest, path?: MountedPath): RequestEnviron {
  const target = request.url ?? '/';
  const split = splitTarget(target);
  const socket: Partial<Socket> = request.socket ?? {};
  const https = 'encrypted' in socket;
  const environ: RequestEnviron = {
    REQUEST_METHOD: request.method ?? 'GET',
    SCRIPT_NAME: path?.scriptName ?? '',
    PATH_INFO: path?.pathInfo ?? percentDecode(split.path),
    QUERY_STRING: toNative(split.query),
    CONTENT_TYPE: '',
    CONTENT_LENGTH: '',
    SERVER_NAME: serverName(socket.localAddress),
    SERVER_PORT: socket.localPort === undefined ? (https ? '443' : '80') : `${socket.localPort}`,
    SERVER_PROTOCOL: protocol(request.httpVersion),
    SERVER_SOFTWARE: software,
    GATEWAY_INTERFACE: 'CGI/1.1',
    REQUEST_URI: toNative(target),
    'wsgi.url_scheme': https ? 'https' : 'http',
    'node.request': request,
  };
  if (socket.remoteAddress !== undefined) environ.REMOTE_ADDR = socket.remoteAddress;
  if (socket.remotePort !== undefined) environ.REMOTE_PORT = `${socket.remotePort}`;
  return environ;
}

/** Adds the request's header fields. */
export function addHeaders(environ: RequestEnviron, request: NodeRequest): void {
  const { rawHeaders } = request;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    addHeader(environ, rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
  const host = targetHost(request);
  if (host !== undefined) environ.HTTP_HOST = toNative(host);
}

/** RFC 9112 section 3.2.2: the authority of an absolute-form target replaces the Host field. HTTP/2 has its own. */
function targetHost(request: NodeRequest): string | undefined {
  if (request.httpVersionMajor >= 2) {
    const authority = request.headers[':authority'];
    return typeof authority === 'string' ? authority : undefined;
  }
  return request.url?.startsWith('/') === false ? splitTarget(request.url).authority : undefined;
}

function protocol(version: string): string {
  return version === '1.1' ? 'HTTP/1.1' : `HTTP/${version}`;
}

/** Never empty, and in brackets when it is an IPv6 address (RFC 3875 section 4.1.14). */
function serverName(address: string | undefined): string {
  if (address === undefined || address === '') return 'localhost';
  const ipv4 = address.startsWith('::ffff:') ? address.slice(7) : address;
  return ipv4.includes(':') ? `[${ipv4}]` : ipv4;
}
