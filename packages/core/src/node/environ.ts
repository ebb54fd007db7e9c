import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import { addHeaders } from '../request-headers.js';
import { type MountedPath, percentDecode, splitTarget } from '../target.js';
import type { RequestEnviron } from '../types.js';
import { toNative } from '../util/native.js';
import { blankRequest } from './blank.js';

/** A request of node:http, https or http2's compat API. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A request target as a host has cut it. */
export interface MountedTarget extends MountedPath {
  /** The query as sent, without its `?`. */
  query: string;
  /** The request target as sent. */
  uri: string;
}

/** What {@link getEnviron} takes. */
export interface EnvironOptions {
  /** The target, where the host has cut it. Default: all of the request's path is PATH_INFO. */
  target?: MountedTarget;
}

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
  const environ = requestVars(blankRequest(), request, options.target);
  addRequestHeaders(environ, request);
  return environ;
}

/** Fills in a blank environ: the part that every request has. */
export function requestVars(
  environ: RequestEnviron,
  request: NodeRequest,
  mount?: MountedTarget,
): RequestEnviron {
  const target = mount ?? wholeTarget(request.url ?? '/');
  const socket: Partial<Socket> = request.socket ?? {};
  const server = serverOf(socket);
  const { remoteAddress, remotePort } = socket;
  environ.REQUEST_METHOD = request.method ?? 'GET';
  environ.SCRIPT_NAME = target.scriptName;
  environ.PATH_INFO = target.pathInfo;
  environ.QUERY_STRING = toNative(target.query);
  environ.SERVER_NAME = server.name;
  environ.SERVER_PORT = server.port;
  environ.SERVER_PROTOCOL = protocol(request.httpVersion);
  environ.REQUEST_URI = toNative(target.uri);
  environ['wsgi.url_scheme'] = server.scheme;
  environ['node.request'] = request;
  if (remoteAddress !== undefined) environ.REMOTE_ADDR = remoteAddress;
  if (remotePort !== undefined) environ.REMOTE_PORT = `${remotePort}`;
  return environ;
}

/** A request target that is not mounted anywhere: all of its path is PATH_INFO. */
function wholeTarget(uri: string): MountedTarget {
  const { path, query } = splitTarget(uri);
  return { scriptName: '', pathInfo: percentDecode(path), query, uri };
}

/** Adds the request's header fields to an environ that `requestVars` has made. */
export function addRequestHeaders(environ: RequestEnviron, request: NodeRequest): void {
  addHeaders(environ, request.rawHeaders);
  const host = targetHost(request, environ);
  if (host !== undefined) environ.HTTP_HOST = toNative(host);
}

/** RFC 9112 section 3.2.2: the authority of an absolute-form target replaces the Host field. HTTP/2 has its own. */
function targetHost(request: NodeRequest, environ: RequestEnviron): string | undefined {
  if (environ.SERVER_PROTOCOL === 'HTTP/2.0') {
    const authority = request.headers[':authority'];
    return typeof authority === 'string' ? authority : undefined;
  }
  const uri = environ.REQUEST_URI ?? '';
  return uri.startsWith('/') ? undefined : splitTarget(uri).authority;
}

function protocol(version: string): string {
  return version === '1.1' ? 'HTTP/1.1' : `HTTP/${version}`;
}

/** The server's part of what a connection says: it is the same for each of its requests. */
interface Server {
  readonly name: string;
  readonly port: string;
  readonly scheme: 'http' | 'https';
}

// Asking a socket where it is bound costs as much as adding a header field.
const servers = new WeakMap<Partial<Socket>, Server>();

function serverOf(socket: Partial<Socket>): Server {
  const known = servers.get(socket);
  if (known !== undefined) return known;
  const { localPort } = socket;
  const scheme = 'encrypted' in socket ? 'https' : 'http';
  const port = localPort === undefined ? (scheme === 'https' ? '443' : '80') : `${localPort}`;
  const server: Server = { name: serverName(socket.localAddress), port, scheme };
  servers.set(socket, server);
  return server;
}

/** Never empty, and in brackets when it is an IPv6 address (RFC 3875 section 4.1.14). */
function serverName(address: string | undefined): string {
  if (address === undefined || address === '') return 'localhost';
  const ipv4 = address.startsWith('::ffff:') ? address.slice(7) : address;
  return ipv4.includes(':') ? `[${ipv4}]` : ipv4;
}
