import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers';
import { LONGEST_DRAIN, MOST_DRAINED } from '../drain-limits.js';

/**
 * Cuts off a response of HTTP/1 whose client can tell by its framing that it is not whole.
 *
 * In a pipeline it has to wait for its turn, as in Node's own `destroy()`: the answers before it are still being sent.
 * Nothing of it is sent then.
 */
export function cutOff(response: ServerResponse): void {
  const { socket } = response;
  if (socket === null) response.once('socket', () => cutOff(response));
  else if (socket instanceof Socket) closeInStages(socket);
  // No real socket, as in the tests of a host that injects requests.
  else response.destroy();
}

/**
 * Has a connection of HTTP/1 closed in stages where Node would destroy it: behind an answer with `Connection: close`
 * that somebody else sends while a body still comes.
 */
export function lingerBehindAnswer(socket: Socket): void {
  // It is no real socket in the tests of a host that injects requests.
  if (socket instanceof Socket) socket.destroySoon = () => closeInStages(socket);
}

/**
 * Closes a connection in order: what was written is sent, and what still comes is dropped, within bounds. To close it
 * on unread bytes would reset it, which can cost the client whole answers before (RFC 9112 section 9.6).
 */
function closeInStages(socket: Socket): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), LONGEST_DRAIN);
  socket.on('close', () => clearTimeout(timer));
  socket.end();
  // Nothing that comes now is served: Node's parser is taken off, as Node does it on a connection that is upgraded.
  socket.removeAllListeners('data').removeAllListeners('end');
  let left = MOST_DRAINED;
  socket.on('data', (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) socket.destroy();
  });
  // Later: a parser at work still pauses the socket over a body that is not read.
  setImmediate(() => {
    // The parser reads past the stream, which may still wait for data that it asked for: an empty push ends that.
    socket.push('');
    socket.resume();
  });
}
