import type { ServerHttp2Stream } from 'node:http2';
import { NO_ERROR } from '../http2-codes.js';
import { onceClosed } from './connection.js';
import type { NodeRequest } from './environ.js';

/**
 * Destroys a stream that its client has reset with NO_ERROR, as a client does that no longer wants the response (RFC
 * 9113 section 7).
 *
 * Node destroys a stream at once that was reset with any other code. With this one it waits for pending writes, which
 * never happen on a stream that HTTP/2 has closed: the stream would not close, would hold its memory for as long as the
 * connection lives, and the application would not learn that its client has gone. With a GOAWAY behind it, the
 * connection would stay for ever, too: Node stops reading when HTTP/2 counts no open stream, and so does not see the
 * end, and it does not close the connection while it counts a stream itself.
 */
export function letGoOfReset(stream: ServerHttp2Stream | undefined): void {
  if (stream === undefined) return;
  const letGo = (): void => {
    if (wasReset(stream)) stream.destroy();
  };
  // Later: Node is still at work on the stream when it emits 'aborted'. One that was reset before has no pending writes.
  stream.once('aborted', () => process.nextTick(letGo));
  // After `end()` Node does not emit 'aborted'; but a stream that it does not destroy emits 'end'.
  stream.once('end', letGo);
}

function wasReset(stream: ServerHttp2Stream): boolean {
  if (!stream.closed || stream.rstCode !== NO_ERROR) return false;
  // Trailers are made when HTTP/2 has taken all of the body, and it then closes the stream in order.
  return stream.aborted || (!stream.writableFinished && stream.sentTrailers === undefined);
}

/**
 * Keeps the request's body readable where the response is whole with its head, for an application that reads on behind
 * it. Otherwise Node assumes that nobody wants the body: it resets the stream and discards what has arrived, and the
 * body reads as empty and whole.
 */
export function keepBody(request: NodeRequest): void {
  // Marks the body as being read, and fills the stream's buffer.
  if ('stream' in request) request.read(0);
}

/**
 * Calls `listener` when the client of a stream has gone: when the stream closes, or, if that was in order, when its
 * connection does. HTTP/2 closes a stream when both sides have ended it; for HEAD, and for a status without a body,
 * Node ends it with the head, while the application may still be at work.
 *
 * @param stream - undefined when it has closed already.
 * @param saidAll - whether the answer of whoever asks is whole. One that ends before is somebody else's: a timeout's.
 * @returns a function that takes the listener off.
 */
export function onceGone(
  stream: ServerHttp2Stream | undefined,
  saidAll: () => boolean,
  listener: () => void,
): () => void {
  const session = stream?.session;
  let forget = (): void => {};
  if (stream === undefined || stream.destroyed) {
    listener();
    return forget;
  }
  const onClose = (): void => {
    // A stream of HEAD that is reset with NO_ERROR is not `aborted`; but none closes in order before its head is sent.
    const inOrder = !stream.aborted && stream.rstCode === NO_ERROR && stream.headersSent;
    if (inOrder && saidAll() && session?.destroyed === false)
      forget = onceClosed(session, listener);
    else listener();
  };
  stream.once('close', onClose);
  return () => {
    stream.off('close', onClose);
    forget();
  };
}
