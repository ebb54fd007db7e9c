import type { AddressInfo, ListenOptions } from 'node:net';
import { hostname } from 'node:os';
import { inspect } from 'node:util';
import { checkSocketPath } from './unix-socket.js';

/**
 * How many connections the system may keep until the server takes them: as many as it allows (on Linux 4096 when
 * nothing else is set, net.core.somaxconn), for a client that finds no place comes again a second later. Node's own
 * default is 511.
 */
const BACKLOG = 4096;

/**
 * What to listen on.
 *
 * @param host - a host name or address, `''` for all addresses; with a slash in it, the path of a Unix socket.
 * @throws RangeError for what is no port, and for a path that is too long.
 */
export function listenOptions(host: string, port: number): ListenOptions {
  if (isPath(host)) {
    checkSocketPath(host);
    return { path: host, backlog: BACKLOG };
  }
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(
      `port must be a whole number from 0 (any free one) to 65535, not ${inspect(port)}`,
    );
  }
  const options = { port, backlog: BACKLOG };
  return host === '' ? options : { ...options, host };
}

/**
 * SERVER_NAME: the host as it was asked for, or this machine's name when that stands for all addresses.
 *
 * @throws TypeError for what is no host.
 */
export function serverName(host: string): string {
  if (typeof host !== 'string') {
    throw new TypeError(`host must be a string such as '127.0.0.1', not ${inspect(host)}`);
  }
  // For its slashes it would pass for the path of a socket.
  if (host.includes('://')) {
    throw new TypeError(`host must be a name or an address, not the URL ${inspect(host)}`);
  }
  if (isPath(host)) return 'localhost';
  if (isAny(host)) return hostname();
  return bracketed(host);
}

/** Where a client on this machine finds the server. */
export function serverUrl(scheme: string, host: string, bound: AddressInfo | string): string {
  if (typeof bound === 'string') return `unix:${bound}`;
  return `${scheme}://${isAny(host) ? 'localhost' : bracketed(host)}:${bound.port}`;
}

/** Whether a host is the path of a Unix socket: no name or address holds a slash. */
export function isPath(host: string): boolean {
  return host.includes('/');
}

/** Whether a host stands for all addresses of this machine. */
function isAny(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}

/** An IPv6 address stands in brackets (RFC 3986 section 3.2.2; RFC 3875 section 4.1.14). */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
