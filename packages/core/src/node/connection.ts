import type { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Destroys a connection in a way that its client cannot take for an orderly end, which to HTTP/1.0 may be the end
 * of a whole body (RFC 9112 section 6.3).
 *
 * Over TLS the missing `close_notify` tells that it was cut (RFC 8446 section 6.1). Node resets TCP's sockets only: a
 * Unix socket, which has no addresses, knows nothing of the kind, and its client takes what it got.
 */
export function resetConnection(socket: Socket): void {
  if ('encrypted' in socket || socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

/**
 * Node ends a connection in order when its client has closed its own side, whatever is being sent: of a body that
 * only the connection's end delimits, a part would pass for the whole.
 *
 * @param isDelimiting - whether the end of the connection is what delimits the response now.
 */
export function refuseOrderlyEnd(
  socket: Socket,
  response: ServerResponse,
  isDelimiting: () => boolean,
): void {
  const onEnd = (): void => {
    if (isDelimiting() && !response.writableEnded) resetConnection(socket);
  };
  // Before Node's own listener: once its end is under way, a connection can no longer be reset.
  socket.prependListener('end', onEnd);
  response.on('close', () => socket.off('end', onEnd));
}

const watchers = new WeakMap<EventEmitter, Set<() => void>>();

/**
 * Calls `listener` when the connection, a socket or an HTTP/2 session, closes.
 *
 * However many listeners there are, the connection sees one: a pipeline may be long.
 *
 * @returns a function that takes the listener off.
 */
export function onceClosed(connection: EventEmitter, listener: () => void): () => void {
  let listeners = watchers.get(connection);
  if (listeners === undefined) {
    const all = new Set<() => void>();
    connection.once('close', () => {
      for (const each of all) each();
    });
    watchers.set(connection, all);
    listeners = all;
  }
  listeners.add(listener);
  return () => listeners.delete(listener);
}
