import cluster from 'node:cluster';
import { constants } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import { BaseHandler } from '../handlers/base.js';
import { Headers } from '../headers.js';
import { standardErrors } from '../streams/errors.js';
import { BodyInput } from '../streams/input.js';
import type { ErrorStream, InputStream, RequestEnviron } from '../types.js';
import { drain, refuseRest } from './drain.js';
import { getEnviron, type NodeRequest } from './environ.js';
import { ReadableSource } from './readable-source.js';
import { type NodeResponse, writeHead } from './response-head.js';

export interface NodeHandlerOptions {
  /** What the host knows of the request. Default: `getEnviron(request)`. */
  requestEnviron?: () => RequestEnviron;
  /** The host's own entries of the environ, added last. Default: none. */
  extraEnviron?: () => Readonly<Record<string, unknown>> | undefined;
  /** `wsgi.errors`. Default: standard error. */
  errors?: ErrorStream | undefined;
  /** `wsgi.input`. Default: the body, read from `body`. */
  input?: InputStream | undefined;
  /** The stream that holds the request's body. Default: the request. */
  body?: Readable | undefined;
  /** The most bytes that a request's body may hold. Default: no limit. */
  maxBodySize?: number | undefined;
}

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
export class NodeHandler extends BaseHandler {
  /** Node writes the status line and does the framing. */
  override originServer = false;
  override wsgiMultiprocess: boolean = cluster.isWorker;
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  readonly options: NodeHandlerOptions;
  #source: ReadableSource | undefined;
  #input: InputStream | undefined;
  #drained: Promise<void> | undefined;

  constructor(request: NodeRequest, response: NodeResponse, options: NodeHandlerOptions = {}) {
    super();
    this.request = request;
    this.response = response;
    this.options = options;
    if (options.maxBodySize !== undefined) this.maxBodySize = options.maxBodySize;
    if (response.destroyed) this.handleDisconnect();
    // 'close' comes after a whole response too; the handler knows whether it was over.
    else response.once('close', () => this.handleDisconnect());
  }

  override setupEnviron(): void {
    super.setupEnviron();
    const { extraEnviron } = this.options;
    if (extraEnviron !== undefined) Object.assign(this.environ, extraEnviron());
  }

  override addCgiVars(): void {
    Object.assign(this.environ, this.options.requestEnviron?.() ?? getEnviron(this.request));
  }

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
    if (this.#input instanceof BodyInput) {
      this.#input.fail(new Error('wsgi.input cannot be read once the response is over'));
    }
  }

  override getStderr(): ErrorStream {
    return this.options.errors ?? standardErrors;
  }

  override _writeHead(): void {
    const { response } = this;
    if (response.destroyed) return;
    // A client that sent too much is told that its connection ends (RFC 9110 section 15.5.14).
    if (this.bodyRefused && !('stream' in response)) response.setHeader('Connection', 'close');
    writeHead(response, this.status ?? this.errorStatus, this.headers ?? new Headers());
  }

  /** Whether the body was found larger than `maxBodySize`. */
  get bodyRefused(): boolean {
    return this.#input instanceof BodyInput && this.#input.tooLarge;
  }

  override _write(data: Uint8Array): void | Promise<void> {
    const { response } = this;
    const stream: Writable = response;
    // HTTP/2's response has no `destroyed`, and says "full" for ever once it is closed.
    if (this.clientGone || stream.destroyed || stream.write(data)) return undefined;
    this.#drained ??= new Promise((resolve) => {
      const done = (): void => {
        response.off('drain', done).off('close', done);
        this.#drained = undefined;
        resolve();
      };
      response.on('drain', done).on('close', done);
    });
    return this.#drained;
  }

  /** Middleware that holds bytes back, such as compression, gives the response a `flush`. */
  override _flush(): void {
    if ('flush' in this.response && typeof this.response.flush === 'function') {
      this.response.flush();
    }
  }

  override _end(): void {
    const { request, response } = this;
    this.releaseInput();
    if (hasBody(request) && !('stream' in response) && !response.shouldKeepAlive) {
      // The connection closes with the response: to close it on unread bytes could lose the response.
      drain(request, () => response.end());
      return;
    }
    response.end();
    this.drainRequest();
  }

  /** Takes in what is left of the body, so that the connection can serve the next request; within bounds. */
  drainRequest(): void {
    const { request, response } = this;
    if (!hasBody(request)) return;
    drain(request, (whole) => {
      if (!whole || this.bodyRefused) refuseRest(request, response);
    });
  }

  override _abort(): void {
    const { response } = this;
    // Without a code, an HTTP/2 stream would end as if nothing had happened (RFC 9113 section 8.1).
    if ('stream' in response) response.stream?.close(constants.NGHTTP2_INTERNAL_ERROR);
    else response.destroy();
  }
}

/** Whether a body comes with the request, or may still come (RFC 9112 section 6.3). */
function hasBody(request: NodeRequest): boolean {
  if (request.readableEnded) return false;
  if ('stream' in request) return !request.stream.endAfterHeaders;
  return (
    request.headers['transfer-encoding'] !== undefined ||
    Number(request.headers['content-length'] ?? 0) > 0
  );
}
