import { asError, PayloadTooLargeError, TextErrors } from '@wsgi/core/handlers';
import type { Headers } from '@wsgi/core/headers';
import { lingerBehindAnswer, NodeHandler, type NodeHandlerOptions } from '@wsgi/core/node';
import type { ErrorStream } from '@wsgi/core/types';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BodyStream } from './body-stream.js';
import { addFastifyVars } from './environ.js';
import { setHead } from './reply-head.js';

/** A handler that sends through Fastify's `reply`, so that hooks, error handler and log work as for any route. */
export class ReplyHandler extends NodeHandler {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  #stream: BodyStream | undefined;
  /** The chunk that is the whole body, until it is known whether the application goes on behind it. */
  #whole: Buffer | undefined;
  /** The Content-Length, for a body that Fastify cannot measure. */
  #length: string | null | undefined;
  #sent = false;

  constructor(request: FastifyRequest, reply: FastifyReply, options: NodeHandlerOptions) {
    super(request.raw, reply.raw, options);
    this.#request = request;
    this.#reply = reply;
  }

  override addCgiVars(): void {
    addFastifyVars(this.environ, this.#request);
  }

  override getStderr(): ErrorStream {
    return this.options.errors ?? new TextErrors((text) => this.#request.log.error(text.trimEnd()));
  }

  override _writeHead(): void {
    this.#refuseConnection();
    setHead(this.#reply, this.status ?? this.errorStatus, this.headers);
    this.#length = this.headers?.get('Content-Length');
  }

  /**
   * A client that sent too much is told that its connection ends (RFC 9110 section 15.5.14). It may still be sending,
   * and look for the answer only then.
   */
  #refuseConnection(): void {
    if (this.bodyRefused && this.request.httpVersionMajor < 2) {
      this.#reply.header('Connection', 'close');
      lingerBehindAnswer(this.request.socket);
    }
  }

  /** The whole body in one chunk goes as a buffer, so that hooks can work with it; all else goes as a stream. */
  override _write(data: Uint8Array): void | Promise<void> {
    if (this.#stream !== undefined) return this.clientGone ? undefined : this.#stream.accept(data);
    // Fastify would give a buffer a type where it finds none; what the application did not say is not said.
    if (this.bodyIsWhole && hasType(this.headers)) {
      this.#whole = bufferOf(data);
      return undefined;
    }
    return this.#sendStream(data);
  }

  #sendStream(data: Uint8Array): void | Promise<void> {
    const stream = new BodyStream(this.response, () => this.handleDisconnect());
    this.#stream = stream;
    const wait = stream.accept(data);
    this.#send(stream);
    return wait;
  }

  override get releasesBytes(): boolean {
    return this.#stream?.releasesBytes === true;
  }

  /** A response that waits in a pipeline when its connection closes emits no 'close', and Fastify leaves its stream. */
  override handleDisconnect(): void {
    super.handleDisconnect();
    this.#stream?.wake();
  }

  /** Hands the body to Fastify; what a hook throws meanwhile goes to the error handler, as for any route. */
  #send(payload: Buffer | BodyStream | undefined): void {
    const reply = this.#reply;
    this.#sent = true;
    this.#drainLater();
    // A timeout of the route's, or an application that was given `reply`, has answered already.
    if (reply.sent) {
      this.handleDisconnect();
      return;
    }
    // A buffer's length is Fastify's to say, once hooks have seen it: they may make a stream of it, or add trailers,
    // with which there must be none (RFC 9112 section 6.2).
    if (this.#length != null && !Buffer.isBuffer(payload)) {
      reply.header('content-length', this.#length);
    }
    try {
      reply.send(payload);
    } catch (error) {
      if (reply.raw.headersSent) throw error;
      reply.send(asError(error));
      // Nothing of the application's is wanted any more.
      this.handleDisconnect();
    }
  }

  /** A buffer ends the response, and with it the request: an application that goes on may want to read that. */
  override _flush(): void | Promise<void> {
    const whole = this.#whole;
    this.#whole = undefined;
    if (whole === undefined) return undefined;
    return this.bodyLeft ? this.#sendStream(whole) : this.#send(whole);
  }

  override get connectionField(): unknown {
    return this.#reply.getHeader('connection');
  }

  override _end(): void {
    this.releaseInput();
    if (this.closesOnBody) {
      this._flush();
      this.drainRequest(() => this.#endLater());
      return;
    }
    const held = this.holdEnd(this.#whole);
    if (held === undefined) this.#endNow();
    else this.#whole = held;
  }

  override sendHeld(): void {
    this.#endLater();
  }

  #endNow(): void {
    // Not null: Fastify would serialize that, as JSON.
    if (!this.#sent) this.#send(this.#whole);
    this.#stream?.push(null);
  }

  /** Ends the response in a callback of the event loop, where nobody catches what a hook throws. */
  #endLater(): void {
    try {
      this.#endNow();
    } catch (error) {
      this.report(error);
      this._abort();
    }
  }

  /**
   * The rest of the body is taken in once the response is out, whoever has made it: before, a hook or an error
   * handler may want to read it. A body that is too large is of no use to anyone.
   */
  #drainLater(): void {
    if (!this.bodyLeft) return;
    const drain = (): void => {
      this.releaseInput();
      this.drainRequest();
    };
    if (this.bodyRefused) drain();
    else {
      this.onceSent(() => {
        // Something else was sent while the application was still writing: nobody waits for its body any more.
        if (this.#stream?.readableEnded === false) this.handleDisconnect();
        drain();
      });
    }
  }

  /** The request goes on in the host's not-found handler. */
  override _passOn(): void {
    this.#drainLater();
    this.#reply.callNotFound();
  }

  override _abort(): void {
    super._abort();
    const { response } = this;
    const destroy = (): void => void this.#stream?.destroy();
    // With its stream, Fastify destroys the connection, on which whole answers may still be under way.
    if ('stream' in response || response.destroyed) destroy();
    else response.once('close', destroy);
  }

  /** Reports the error, and leaves the response to Fastify's error handling while there is still one to send. */
  override handleError(error: unknown): void | Promise<void> {
    if (this.headersSent) return super.handleError(error);
    if (!(error instanceof PayloadTooLargeError)) this.report(error);
    return this.leaveAnswer(() => {
      if (this.clientGone || this.#reply.sent) return;
      this.#refuseConnection();
      this.#reply.send(asError(error));
      this.#drainLater();
    });
  }
}

/** `type/subtype`, and perhaps parameters, as Fastify reads it (RFC 9110 section 8.3.1). */
const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

/** The last that was of this form: most responses have the same. */
let lastType = 'text/plain';

/** Whether there is one Content-Type, of a form that Fastify does not replace. */
function hasType(headers: Headers | undefined): boolean {
  const types = headers?.getAll('Content-Type') ?? [];
  const type = types[0] ?? '';
  if (types.length === 1 && type !== lastType && MEDIA_TYPE.test(type)) lastType = type;
  return types.length === 1 && type === lastType;
}

/** Fastify takes a buffer for JSON to be made of it where its memory is shared, or of another realm. */
function bufferOf(data: Uint8Array): Buffer {
  const { buffer, byteOffset, length } = data;
  return buffer instanceof ArrayBuffer
    ? Buffer.from(buffer, byteOffset, length)
    : Buffer.from(data);
}
