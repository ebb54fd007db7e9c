import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import type { RequestEnviron } from '../types.js';
import { MOST_BYTES, MOST_MILLISECONDS } from '../unread.js';
import type { NodeRequest } from './environ.js';
import type { NodeResponse } from './response-head.js';

/** Whether a body comes with the request (RFC 9112 section 6.3). Asked before an application can change the environ. */
export function hasBody(request: NodeRequest, environ: RequestEnviron): boolean {
  if (environ.SERVER_PROTOCOL === 'HTTP/2.0' && 'stream' in request) {
    return !request.stream.endAfterHeaders;
  }
  return environ.HTTP_TRANSFER_ENCODING !== undefined || Number(environ.CONTENT_LENGTH) > 0;
}

/**
 * Takes in and drops what is left of a request's body, within bounds.
 *
 * The next request of a kept connection stands behind those bytes (RFC 9112 section 9.3), and to close a
 * connection with unread bytes resets it, which can cost the client the response (RFC 9112 section 9.6).
 *
 * @param body - the request, or what the host has made of its body.
 * @param done - called once: with true when the body has been taken in, with false when it is too much or too
 *   slow.
 */
export function drain(body: Readable, done: (whole: boolean) => void): void {
  const carrier = carrierOf(body);
  if (body.readableEnded || body.destroyed || carrier.errored !== null) {
    done(body.readableEnded);
    return;
  }
  let left = MOST_BYTES;
  // What the request says, it says in the connection's context, and not in that of who waits for it.
  const finish = AsyncResource.bind((whole: boolean): void => {
    clearTimeout(timer);
    body.off('data', onData).off('end', onEnd).off('close', onClose);
    carrier.off('error', onClose);
    done(whole);
  });
  const onData = (chunk: Uint8Array): void => {
    left -= chunk.length;
    if (left < 0) finish(false);
  };
  const onEnd = (): void => finish(true);
  const onClose = (): void => finish(body.readableEnded);
  const timer = setTimeout(finish, MOST_MILLISECONDS, false);
  timer.unref();
  carrier.on('error', onClose);
  body.on('data', onData).on('end', onEnd).on('close', onClose).resume();
}

/**
 * What a request of HTTP/2's compat API reads. Once it has failed, it gives nothing more, and nobody says so to the
 * request: as when a host gives its answer to HEAD a body.
 */
function carrierOf(body: Readable): Readable {
  return 'stream' in body && body.stream instanceof Readable ? body.stream : body;
}

/** Ends the connection, or under HTTP/2 the stream, of a request whose body is not wanted; the response goes out first. */
export function refuseRest(request: NodeRequest, response: NodeResponse): void {
  const refuse = (): void => {
    if ('stream' in response) response.stream?.close();
    else request.destroy();
  };
  if (response.writableFinished) refuse();
  else onceSent(response, refuse);
}

/**
 * Calls `done` once the response, which is still under way, has been sent.
 *
 * HTTP/2's compat API says 'finish' only when the request has ended, too: for a client that is held back until its
 * body is taken in, never. Its stream says it in time.
 */
export function onceSent(response: NodeResponse, done: () => void): void {
  const sent = 'stream' in response ? response.stream : response;
  // For HEAD, Node ends an HTTP/2 stream's writing side when it makes it: nothing tells when the head has gone out.
  if (sent !== undefined && 'headRequest' in sent && sent.headRequest) {
    setImmediate(done);
    return;
  }
  sent?.once('finish', done);
}
