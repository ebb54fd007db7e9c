import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers';
import { LONGEST_DRAIN, MOST_DRAINED } from '../drain-limits.js';
import type { RequestEnviron } from '../types.js';
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
  let left = MOST_DRAINED;
  // The request emits its events in the connection's asynchronous context; `done` is to run in the caller's.
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
  const onClose = (): void => finish(false);
  const timer = setTimeout(finish, LONGEST_DRAIN, false);
  timer.unref();
  carrier.on('error', onClose);
  body.on('data', onData).on('end', onEnd).on('close', onClose).resume();
}

/**
 * The stream under a request of HTTP/2's compat API. Once that has failed it gives nothing more, of which the request
 * itself does not tell: a host that gives a body to its answer to HEAD makes it fail, for instance.
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
 * HTTP/2's compat API emits 'finish' only when the request has ended, too: never, for a client that is held back until
 * its body is taken in. Its stream emits it in time.
 */
export function onceSent(response: NodeResponse, done: () => void): void {
  const sent = 'stream' in response ? response.stream : response;
  // For HEAD, Node ends the writing side of an HTTP/2 stream when it makes it: no event tells when the head is out.
  if (sent !== undefined && 'headRequest' in sent && sent.headRequest) {
    setImmediate(done);
    return;
  }
  sent?.once('finish', done);
}
