import { AsyncResource } from 'node:async_hooks';
import cluster from 'node:cluster';
import { ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Writable } from 'node:stream';
import { ClientDisconnectedError } from '../errors.js';
import { BaseHandler } from '../handlers/base.js';
import { isBodyless } from '../handlers/framing.js';
import { isPromise } from '../handlers/promise.js';
import { nextTurn } from '../handlers/turn-share.js';
import { Headers } from '../headers.js';
import { INTERNAL_ERROR } from '../http2-codes.js';
import { standardErrors } from '../streams/errors.js';
import { BodyInput } from '../streams/input.js';
import { ReadableSource } from '../streams/readable-source.js';
import type { Application, ErrorStream, InputStream } from '../types.js';
import { blankEnviron } from './blank.js';
import { onceClosed, refuseOrderlyEnd, resetConnection } from './connection.js';
import { drain, hasBody, onceSent, refuseRest } from './drain.js';
import { addRequestHeaders, type NodeRequest, requestVars } from './environ.js';
import { Gate } from './gate.js';
import { cutOff } from './linger.js';
import type { NodeHandlerOptions } from './options.js';
import { endWith, SMALL } from './response-end.js';
import { type NodeResponse, type Passage, sendHead } from './response-head.js';
import { keepBody, letGoOfReset, onceGone } from './stream-close.js';
import { keepTick } from './tick.js';
import { type Holder, HolderInContext, mayHold } from './turn.js';

keepTick();

/**
 * Runs an application for a request of node:http, https or http2's compat API, and so for whatever is built on
 * them.
 *
 * @example
 * ```ts
 * createServer((request, response) => {
 *   new NodeHandler(request, response).run(app);
 * });
 * ```
 */
export class NodeHandler extends BaseHandler implements Holder {
  /** Node writes the status line and does the framing. */
  override originServer = false;
  override wsgiMultiprocess: boolean = cluster.isWorker;
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  readonly options: NodeHandlerOptions;
  #source: ReadableSource | undefined;
  #input: InputStream | undefined;
  #hasBody = false;
  /** Where a writer waits that has been told to. */
  #drained: Gate | undefined;
  #onClose: (() => void) | undefined;
  #http2 = false;
  #passage: Passage = 'wrapped';
  /** The chunk that completes the body, held until the end of the response: both go in one write. */
  #last: Uint8Array | undefined;

  constructor(request: NodeRequest, response: NodeResponse, options: NodeHandlerOptions = {}) {
    super();
    this.request = request;
    this.response = response;
    this.options = options;
    if (options.maxBodySize !== undefined) this.maxBodySize = options.maxBodySize;
  }

  /** Runs the application; when its response was declined and is closed, the request goes on in the host. */
  override run(application: Application): void | Promise<void> {
    if ('stream' in this.response) letGoOfReset(this.response.stream);
    const running = super.run(application);
    // No client can go while a synchronous application runs: only one that goes on is watched for.
    if (isPromise(running)) this.#watch(running);
    if (this.options.cascade === undefined) return running;
    return isPromise(running) ? running.then(() => this.#handOn()) : this.#handOn();
  }

  #watch(running: PromiseLike<void>): void {
    const { request, response } = this;
    // 'close' is emitted in no request's asynchronous context; the body is closed in the one it was made in.
    const context = new AsyncResource('WSGIResponse');
    // A named function: `addWsgiVars` in host.ts says what an anonymous one would keep alive.
    const onClose = (): void => {
      context.runInAsyncScope(this.handleDisconnect, this);
      this.#drained?.open();
    };
    if ('stream' in response) {
      const forget = onceGone(response.stream, () => this.bodyIsWhole, onClose);
      running.then(forget, forget);
      return;
    }
    this.#onClose = onClose;
    if (response.destroyed) onClose();
    // 'close' comes after a whole response too; the handler knows whether it was over.
    else response.on('close', onClose);
    if (this.requestProtocol === 'HTTP/1.0') {
      refuseOrderlyEnd(request.socket, response, () => this.endsWithConnection);
    }
    // In a pipeline, Node gives a response the socket when those before it are sent, and until then does not tell
    // it when the connection closes.
    if (response.socket !== null) return;
    if (request.socket.destroyed) {
      onClose();
      return;
    }
    const forget = onceClosed(request.socket, onClose);
    running.then(forget, forget);
  }

  override declines(status: string): boolean {
    return this.options.cascade?.includes(Number(status.slice(0, 3))) === true;
  }

  /** Leaves request and response as they were, but for what was read of the body, and gives them away. */
  #handOn(): void {
    if (!this.declined) return;
    if (this.#onClose !== undefined) this.response.off('close', this.#onClose);
    this.letGoOfRequest();
    try {
      this._passOn();
    } catch (error) {
      this.report(error);
      this._abort();
    }
  }

  /** Gives a request that the application has declined to whoever comes next in the host. */
  _passOn(): void {}

  override setupEnviron(): void {
    // Header fields last: up to them, all environs have one shape.
    this.begin(requestVars(blankEnviron(), this.request, this.options.target));
    this.addWsgiVars();
    addRequestHeaders(this.environ, this.request);
    this.#http2 = this.environ.SERVER_PROTOCOL === 'HTTP/2.0';
    this.#hasBody = hasBody(this.request, this.environ);
    this.addCgiVars();
    const extra = this.options.extraEnviron?.();
    if (extra !== undefined) Object.assign(this.environ, extra);
  }

  /** Nothing by default; a host that knows better than Node amends `this.environ` here. */
  override addCgiVars(): void {}

  override getScheme(): string {
    return this.environ['wsgi.url_scheme'];
  }

  override getStdin(): InputStream {
    this.#input ??= this.options.input ?? this.#bodyInput();
    return this.#input;
  }

  #bodyInput(): InputStream {
    this.#source = new ReadableSource(this.options.body ?? this.request);
    return new BodyInput(this.#source, { limit: this.maxBodySize });
  }

  /** Ends `wsgi.input`, so that what is left of the body can be drained. */
  releaseInput(): void {
    if (this.#source === undefined) return;
    this.#source.release();
    if (!(this.#input instanceof BodyInput)) return;
    if (this.clientGone) this.#input.fail(new ClientDisconnectedError());
    else this.#input.end();
  }

  /** {@link releaseInput}, before somebody else answers, who may or may not want the rest of the body. */
  letGoOfRequest(): void {
    this.releaseInput();
    // Node drains what is left of a body by itself only if nobody has begun to read it.
    if (this.#source?.used === true) this.onceSent(() => this.drainRequest());
  }

  /**
   * Calls `answer`, with which somebody else answers an error. Where the connection closes with that answer, the rest
   * of the body is taken in first: to close it on unread bytes could lose the answer (RFC 9112 section 9.6).
   */
  leaveAnswer(answer: () => void): void | Promise<void> {
    this.releaseInput();
    if (this.bodyRefused || !this.closesOnBody) return answer();
    return new Promise<void>((resolve) => this.drainRequest(resolve)).then(answer);
  }

  /** Calls `done` once the response, which is still under way, has been sent, whoever sends it. */
  onceSent(done: () => void): void {
    onceSent(this.response, done);
  }

  override getStderr(): ErrorStream {
    return this.options.errors ?? standardErrors;
  }

  override _writeHead(): void {
    const { response } = this;
    if (response.headersSent) {
      this.report(
        new Error(
          `the response has already been sent by something else in the host, so that the application's '${this.status}' came to nothing; does a timeout answer in its stead, or a middleware that then calls next()?`,
        ),
      );
      this.handleDisconnect();
      return;
    }
    // A client that sent too much is told that its connection ends (RFC 9110 section 15.5.14).
    if (this.bodyRefused && !this.#http2) response.setHeader('Connection', 'close');
    if (this.bodyIsWhole && this.bodyLeft) keepBody(this.request);
    const { status = this.errorStatus, headers = new Headers() } = this;
    this.#passage = sendHead(response, status, headers);
  }

  /** Judged by the head that Node has sent: others may have set a Content-Length on the response, or removed it. */
  override get endsWithConnection(): boolean {
    const { headers, requestMethod, response, status = '' } = this;
    if (!(response instanceof ServerResponse) || !response.headersSent) {
      return super.endsWithConnection;
    }
    const hasLength =
      this.#passage === 'untouched'
        ? headers?.has('Content-Length')
        : response.hasHeader('Content-Length');
    return (
      this.headersSent &&
      !hasLength &&
      !response.chunkedEncoding &&
      !isBodyless(requestMethod, status)
    );
  }

  /** Whether the body was found larger than `maxBodySize`. */
  get bodyRefused(): boolean {
    return this.#input instanceof BodyInput && this.#input.tooLarge;
  }

  override _write(data: Uint8Array): void | Promise<void> {
    if (this.bodyIsWhole) {
      this.#last = data;
      return undefined;
    }
    return this.#writeNow(data);
  }

  /** Not where middleware may hold them, nor in a pipeline, where the response has no socket yet. */
  override get releasesBytes(): boolean {
    const { response } = this;
    return this.#passage !== 'wrapped' && response.socket !== null && response.writableLength === 0;
  }

  #writeNow(data: Uint8Array): void | Promise<void> {
    const stream: Writable = this.response;
    // A closed response says "full" for ever.
    if (this.clientGone || stream.write(data)) return undefined;
    this.#drained ??= this.#drainGate(stream);
    return this.#drained.wait();
  }

  #drainGate(stream: Writable): Gate {
    const gate = new Gate();
    // One listener for the whole response, and never removed: middleware such as compression redirects `on('drain')` to
    // a stream of its own, but not `off`.
    stream.on('drain', () => gate.open());
    return gate;
  }

  override _flush(): void | Promise<void> {
    const { response } = this;
    const last = this.#last;
    this.#last = undefined;
    const wait = last === undefined ? undefined : this.#writeNow(last);
    // Middleware that holds bytes back, such as compression, gives the response a `flush`.
    if ('flush' in response && typeof response.flush === 'function') response.flush();
    return wait;
  }

  override _pause(): void | Promise<void> {
    return nextTurn();
  }

  /** Whether some of the request's body may not have been read. */
  get bodyLeft(): boolean {
    return this.#hasBody && !this.request.readableEnded;
  }

  /** Whether the connection closes with the response: to close it on unread bytes could lose the response. */
  get closesOnBody(): boolean {
    const { bodyLeft, response } = this;
    if (!bodyLeft || 'stream' in response) return false;
    if (!response.shouldKeepAlive || this.endsWithConnection) return true;
    return /\bclose\b/i.test(String(this.connectionField));
  }

  /** What the host has said of the connection in the response: `close`, as a server does that shuts down. */
  get connectionField(): unknown {
    return this.response.getHeader('Connection');
  }

  override _end(): void {
    this.releaseInput();
    if (this.clientGone) return;
    if (this.closesOnBody) {
      this._flush();
      this.drainRequest(() => this.#endLater());
      return;
    }
    const held = this.holdEnd(this.#last);
    if (held !== undefined) {
      this.#last = held;
      return;
    }
    this.#endNow();
    this.drainRequest();
  }

  /**
   * Holds the end of a response with a small body until this turn of the event loop ends, when {@link sendHeld} is
   * called. Over TLS it does not: Node refuses a request that comes before the answer to the last one has left.
   *
   * @returns a copy of the body, for the application may write over its own; undefined where the end is not held.
   */
  protected holdEnd(body: Uint8Array | undefined): Buffer | undefined {
    if (body === undefined || body.length > SMALL || this.bodyLeft || this.#http2) return undefined;
    if ('encrypted' in this.request.socket) return undefined;
    return mayHold(new HolderInContext(this), performance.now()) ? Buffer.from(body) : undefined;
  }

  /** Ends a response that has waited for the end of the turn. */
  sendHeld(): void {
    this.#endLater();
  }

  /** Ends the response in a callback of the event loop, where nobody catches what middleware's `end` throws. */
  #endLater(): void {
    try {
      this.#endNow();
    } catch (error) {
      this.report(error);
      this._abort();
    }
  }

  #endNow(): void {
    const last = this.#last;
    this.#last = undefined;
    endWith(this.response, last, this.#passage);
  }

  /**
   * Takes in what is left of the body, within bounds, so that the connection can serve the next request; else
   * refuses the rest.
   *
   * @param done - what to do instead of refusing, however the draining ends.
   */
  drainRequest(done?: () => void): void {
    if (!this.bodyLeft) {
      done?.();
      return;
    }
    const { request, response } = this;
    drain(this.options.body ?? request, (whole) => {
      if (done !== undefined) done();
      else if (!whole || this.bodyRefused) refuseRest(request, response);
    });
  }

  override _abort(): void {
    const { response } = this;
    // Without a code, an HTTP/2 stream would end as if nothing had happened (RFC 9113 section 8.1).
    if ('stream' in response) {
      response.stream?.close(INTERNAL_ERROR);
      // Node keeps a stream that was closed in order before, until its request has been read to the end.
      this.releaseInput();
      this.drainRequest();
    } else if (this.endsWithConnection && response.socket !== null) {
      resetConnection(response.socket);
      response.destroy();
    } else {
      this.releaseInput();
      cutOff(response);
    }
  }
}
