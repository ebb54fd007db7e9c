import { Socket, type SocketConstructorOpts } from 'node:net';

/** What every connection is read into, one after the other. As much as Node reads at once. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Takes the first `length` bytes of a chunk, and must not hold on to them. */
export type Receive = (chunk: Buffer, length: number) => void;

interface Options extends SocketConstructorOpts {
  readonly handle: object;
  readonly onread: {
    readonly buffer: Uint8Array;
    readonly callback: (length: number) => boolean;
  };
}

/**
 * A socket for an accepted connection that is read into one buffer again and again, and is otherwise like any other.
 *
 * Node allocates 64 KiB for each read and then shrinks them, which costs more than to read and to answer a small
 * request. `net.Socket` has the option `onread` against that, but `net.Server` cannot be told to use it: so a socket
 * with that option takes the connection's handle over. The handle is no documented property; where there is none, the
 * socket stays as it is.
 *
 * @param accepted - a socket of a `net.Server` with `pauseOnConnect`, that nothing has been read from. It stays open as
 *   long as the other one, so that the server counts it, and has no further use.
 */
export function readReusingBuffer(accepted: Socket, receive: Receive): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null) return readPlainly(accepted, receive).resume();
  Reflect.set(accepted, '_handle', null);
  const callback = (length: number): boolean => {
    receive(buffer, length);
    return true;
  };
  const options: Options = { handle, allowHalfOpen: true, onread: { buffer, callback } };
  const socket = new Socket(options);
  socket.on('close', () => accepted.destroy());
  // Nothing will flow but the end.
  return socket.resume();
}

/** The socket as it is, read as Node reads it. */
export function readPlainly(socket: Socket, receive: Receive): Socket {
  return socket.on('data', (chunk: Buffer) => receive(chunk, chunk.length));
}
