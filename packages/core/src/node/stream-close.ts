import type { ServerHttp2Stream } from 'node:http2';
import { NO_ERROR } from '../http2-codes.js';
import { onceClosed } from './connection.js';
import type { NodeRequest } from './environ.js';

/**
 * Destroys a stream that its client has reset with NO_ERROR, as one does that no longer wants the answer (RFC 9113
 * section 7).
 *
 * Node destroys a stream at once that was reset with any other code. At this one it waits for what is being written,
 * and what HTTP/2 has closed is never written: the stream never closed, what it held stayed for as long as the
 * connection, and no one told the application that its client had gone. With a GOAWAY behind it, the connection
 * stayed for ever, too: Node stops to read it when HTTP/2 counts no stream that is open, and so does not see it end,
 * and does not close it while it counts one itself.
 */
export function letGoOfReset(stream: ServerHttp2Stream | undefined): void {
  if (stream === undefined) return;
  const letGo = (): void => {
    if (wasReset(stream)) stream.destroy();
  };
  // Later: Node still works on the stream when it says this.
  const letGoLater = (): void => process.nextTick(letGo);
  if (stream.aborted) letGoLater();
  else stream.once('aborted', letGoLater);
  // An answer that has been ended is not called aborted. But a stream that Node does not destroy, it lets end.
  stream.once('end', letGo);
}

function wasReset(stream: ServerHttp2Stream): boolean {
  if (!stream.closed || stream.rstCode !== NO_ERROR) return false;
  // The trailers are made when HTTP/2 has taken over all of the body: it then closes the stream in order.
  return stream.aborted || (!stream.writableFinished && stream.sentTrailers === undefined);
}

/**
 * Keeps the request of a stream whose answer is whole with its head, for an application that goes on behind it and
 * reads. Else Node takes it that nobody wants the request: it resets the stream, and throws away what has come of it,
 * which then reads as a body that is empty and whole.
 */
export function keepRequest(request: NodeRequest): void {
  // It counts as begun to be read, and takes in what it holds ahead.
  if ('stream' in request) request.read(0);
}

/**
 * Calls `listener` when the client of a stream has gone: when the stream closes, or, if that was in order, when its
 * connection does. HTTP/2 closes a stream when both sides have said all; for HEAD, and for a status without a body,
 * Node has said all with the head, and the application may not be over.
 *
 * @param stream - undefined: it has long closed.
 * @returns a function that takes the listener off.
 */
export function onceGone(stream: ServerHttp2Stream | undefined, listener: () => void): () => void {
  const session = stream?.session;
  let forget = (): void => {};
  if (stream === undefined || stream.destroyed) {
    listener();
    return forget;
  }
  const onClose = (): void => {
    // That of HEAD, reset with NO_ERROR, is not called aborted; but before its head, no answer has ended in order.
    const inOrder = !stream.aborted && stream.rstCode === NO_ERROR && stream.headersSent;
    if (inOrder && session?.destroyed === false) forget = onceClosed(session, listener);
    else listener();
  };
  stream.once('close', onClose);
  return () => {
    stream.off('close', onClose);
    forget();
  };
}
