import { Readable } from 'node:stream';
import { asError, type ErrorStream, TextErrors } from '@wsgi/core';
import { mergeVary, NodeHandler, type NodeHandlerOptions } from '@wsgi/core/node';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { addFastifyVars } from './environ.js';

/** A handler that sends through Fastify's `reply`, so that hooks, error handler and log work as for any route. */
export class ReplyHandler extends NodeHandler {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  #stream: Readable | undefined;
  #sent = false;
  #resume: (() => void) | undefined;

  constructor(request: FastifyRequest, reply: FastifyReply, options: NodeHandlerOptions) {
    super(request.raw, reply.raw, options);
    this.#request = request;
    this.#reply = reply;
  }

  override addCgiVars(): void {
    addFastifyVars(this.environ, this.#request);
  }

  override getStderr(): ErrorStream {
    return this.#errors;
  }

  get #errors(): ErrorStream {
    return this.options.errors ?? new TextErrors((text) => this.#request.log.error(text.trimEnd()));
  }

  override _writeHead(): void {
    const reply = this.#reply;
    const status = this.status ?? this.errorStatus;
    const http1 = this.request.httpVersionMajor < 2;
    reply.code(Number(status.slice(0, 3)));
    if (http1) reply.raw.statusMessage = status.slice(4);
    for (const [name, values] of this.#grouped()) {
      // reply.header() adds to cookies and replaces the rest. HTTP/2's API takes no repeated field but cookies.
      const repeat = values.length > 1 && (http1 || name === 'set-cookie');
      reply.header(name, repeat ? values : values.join(', '));
    }
  }

  /** The application's values by name, lower-case; `Vary` holds the host's, too. */
  #grouped(): Map<string, string[]> {
    const groups = new Map<string, string[]>();
    for (const [name, value] of this.headers ?? []) {
      const key = name.toLowerCase();
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [value]);
      else group.push(value);
    }
    const vary = groups.get('vary');
    if (vary !== undefined) {
      groups.set('vary', [mergeVary([String(this.#reply.getHeader('vary') ?? ''), ...vary])]);
    }
    return groups;
  }

  /** The whole body in one chunk goes as a buffer; the first chunk of more starts a stream. */
  override _write(data: Uint8Array): void | Promise<void> {
    if (!this.#sent) {
      this.#sent = true;
      const whole = this.headers?.get('Content-Length') === String(data.length);
      if (whole) {
        this.#reply.send(Buffer.from(data.buffer, data.byteOffset, data.length));
        return undefined;
      }
      this.#stream = this.#openStream();
      this.#stream.push(data);
      this.#reply.send(this.#stream);
      return undefined;
    }
    if (this.#stream === undefined || this.#stream.destroyed || this.#stream.push(data)) {
      return undefined;
    }
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  #openStream(): Readable {
    return new Readable({
      highWaterMark: 64 * 1024,
      read: () => this.#wake(),
      // A disconnect destroys the stream, and so does whoever replaces it.
      destroy: (error, done) => {
        this.#wake();
        this.handleDisconnect();
        done(error);
      },
    });
  }

  #wake(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _flush(): void {}

  override _end(): void {
    this.releaseInput();
    if (this.#stream !== undefined) this.#stream.push(null);
    // Not null: without a Content-Type that would be sent as JSON.
    else if (!this.#sent) this.#reply.send();
    this.#sent = true;
    this.drainRequest();
  }

  override _abort(): void {
    super._abort();
    this.#stream?.destroy();
  }

  /** Reports the error, and leaves the response to Fastify's error handling while there is still one to send. */
  override handleError(error: unknown): void | Promise<void> {
    if (this.headersSent) return super.handleError(error);
    if (!this.bodyRefused) this.report(error);
    if (this.clientGone) return undefined;
    this.releaseInput();
    this.#reply.send(asError(error));
    this.drainRequest();
    return undefined;
  }
}
