import { ClientDisconnectedError, isDisconnect, PayloadTooLargeError } from '../errors.js';
import { BodyInput, saysClientLeft } from '../streams/input.js';
import type {
  Application,
  FileHandleLike,
  HeaderList,
  InputStream,
  ResponseBody,
  StartResponse,
  Write,
} from '../types.js';
import { type FileWrapper, isFileHandle, isWholeFile } from '../util/file-wrapper.js';
import { BodyReader } from './body.js';
import { checkBody, checkChunk, checkHeaders, checkStatus, secondStart } from './checks.js';
import { Client } from './client.js';
import { Framing, isBodyless } from './framing.js';
import { HandlerHost } from './host.js';
import { handled, isPromise } from './promise.js';
import { handOver, Sender } from './send.js';

/**
 * Runs one application for one request: wsgiref's `BaseHandler`.
 *
 * The rules of sending a response live here, once for every host (SPEC.md, "Sending the body"). A subclass says
 * where the environ comes from (`addCgiVars`, `getStdin`, `getStderr`) and where the bytes go (`_write`,
 * `_flush`, `_end`, `_abort`), and calls {@link handleDisconnect} when the client goes away.
 *
 * A handler is for one request. A wholly synchronous application runs wholly synchronously: `run()` returns
 * undefined and has handed over the last byte, unless `_write`, `_flush` or `_pause` ask to wait. Otherwise it returns a
 * promise for the end of the response.
 *
 * Source: PEP 3333, "The Server/Gateway Side"; wsgiref.handlers.
 */
export abstract class BaseHandler extends HandlerHost {
  readonly #client = new Client();
  #reader: BodyReader | undefined;
  #framing = new Framing();
  /** Nothing more can be sent: the response is whole, or given up. */
  #over = false;
  #closed = false;
  /** What the application was given as `wsgi.input`. */
  #input: InputStream | undefined;
  /** The application has failed: what is sent from here on is the host's own answer. */
  #failed = false;
  /** The transport's last request to wait, from a call of the `write` callable. */
  #unwritten: Promise<void> | undefined;

  /**
   * Runs the application and sends its response.
   *
   * It never throws and never rejects on account of the application: what goes wrong is reported on
   * `wsgi.errors` and answered with a 500, or, once the header fields are sent, with the end of the connection.
   *
   * @returns undefined when all is done, else a promise that resolves when the response is over and the body's
   *   `close()` has been awaited.
   */
  run(application: Application): void | Promise<void> {
    try {
      this.setupEnviron();
      // Here as well, for a subclass whose `setupEnviron` does not call `addWsgiVars`.
      this.keepRequest();
      this.#checkBodySize();
      const result = application(this.environ, this.#startResponse);
      if (isPromise(result)) return this.#runLater(result);
      this.#accept(result);
      const finished = this.finishResponse();
      return isPromise(finished) ? finished.catch((error) => this.#recover(error)) : undefined;
    } catch (error) {
      return this.#recover(error);
    }
  }

  async #runLater(pending: PromiseLike<ResponseBody>): Promise<void> {
    try {
      this.#accept(await pending);
      await this.finishResponse();
    } catch (error) {
      await this.#recover(error);
    }
  }

  #accept(result: ResponseBody): void {
    checkBody(result);
    this.result = result;
  }

  #checkBodySize(): void {
    this.#input = this.environ['wsgi.input'];
    // Negated, and not `<=`: a CONTENT_LENGTH that is no number is not too large.
    if (!(Number(this.environ.CONTENT_LENGTH ?? 0) > this.maxBodySize)) return;
    const error = new PayloadTooLargeError(this.maxBodySize);
    if (this.#input instanceof BodyInput) this.#input.fail(error);
    throw error;
  }

  /**
   * Called by the transport when the client has gone: fires `gateway.signal`, stops the iteration and closes
   * the body. That is no error and is not logged. Once the response is over, a call does nothing.
   */
  handleDisconnect(): void {
    if (this.#client.gone || this.#over) return;
    // A generator cannot be closed while it runs; the code that runs it closes it right after.
    const busy = this.#reader?.stepping === true;
    this.#client.leave();
    if (!busy) this.#closeBody();
  }

  override signal(): AbortSignal {
    return this.#client.signal();
  }

  /** True once the client has gone before the response was over. */
  get clientGone(): boolean {
    return this.#client.gone;
  }

  /** True once a body of known length has been handed over to its last byte. */
  get bodyIsWhole(): boolean {
    return this.#framing.left === 0;
  }

  /** True while only the end of the connection tells an HTTP/1.0 client where the body ends (RFC 9112 section 6.3). */
  get endsWithConnection(): boolean {
    return this.headersSent && !this.#framing.delimited && this.requestProtocol === 'HTTP/1.0';
  }

  readonly #startResponse: StartResponse = (status, headers, excInfo) =>
    this.startResponse(status, headers, excInfo);

  /**
   * The callable that the application gets. See `StartResponse`.
   *
   * Its arguments are checked before the response changes; that it was called counts even if they are refused. Once the
   * client has gone, a call after the end of the response is no error: the application cannot have known.
   */
  startResponse(status: string, headers: HeaderList, excInfo?: unknown): Write {
    const isSecond = this.started;
    this.started = true;
    checkStatus(status);
    const checked = checkHeaders(headers, this.headersClass);
    if (this.#over && !this.#client.gone)
      throw new Error('startResponse was called after the response was over');
    if (excInfo !== undefined && excInfo !== null) {
      if (this.headersSent) throw excInfo;
    } else if (isSecond) throw secondStart(status, this.status);
    this.status = status;
    this.headers = checked;
    return (data) => this.#writeForApplication(data);
  }

  /** The `write` callable: {@link write}, made safe to be called at any time and without awaiting it. */
  #writeForApplication(data: Uint8Array): void | Promise<void> {
    checkChunk(data);
    if (this.#client.gone) return handled(Promise.reject(new ClientDisconnectedError()));
    if (this.#over) {
      const error = new Error('write() was called after the response was over; its bytes are lost');
      this.report(error);
      return handled(Promise.reject(error));
    }
    const full = handOver(this, data);
    if (!isPromise(full)) return undefined;
    this.#unwritten = handled(full);
    return handled(
      full.then(() => {
        if (this.#client.gone) throw new ClientDisconnectedError();
      }),
    );
  }

  /**
   * Hands one chunk to the transport, after the header fields if they are unsent. An empty one is ignored, and
   * bytes past the Content-Length are cut off and reported. To flush is the caller's part.
   *
   * @returns a promise when the transport asks to wait.
   */
  write(data: Uint8Array): void | Promise<void> {
    checkChunk(data);
    if (data.length === 0) return undefined;
    if (this.status === undefined) {
      throw new Error(
        'a chunk of the body came before startResponse(status, headers) was called; call it first',
      );
    }
    if (!this.headersSent) this.sendHeaders();
    const framing = this.#framing;
    const first = framing.wanted;
    const part = framing.admit(data);
    if (part.length < data.length && first && !framing.bodyless) {
      this.report(new Error(framing.surplus));
    }
    if (part.length === 0) return undefined;
    this.bytesSent += part.length;
    if (!framing.chunked) return this._write(part);
    this._writeText(`${part.length.toString(16)}\r\n`);
    this._write(part);
    return this._writeText('\r\n');
  }

  /** Sends the body, finishes the response and closes. An error closes the body and is thrown on. */
  finishResponse(): void | Promise<void> {
    try {
      const sending = this.#sendBody();
      const ending = sending === undefined ? this.#finish() : sending.then(() => this.#finish());
      if (isPromise(ending)) return this.#closeAfter(ending);
    } catch (error) {
      const closing = this.#closeBody();
      if (closing === undefined) throw error;
      return closing.then(() => {
        throw error;
      });
    }
    return this.close();
  }

  #finish(): void | Promise<void> {
    return this.#client.gone ? undefined : this.finishContent();
  }

  async #closeAfter(ending: PromiseLike<void>): Promise<void> {
    try {
      await ending;
    } catch (error) {
      await this.#closeBody();
      throw error;
    }
    await this.close();
  }

  #sendBody(): Promise<unknown> | undefined {
    const sent = this.resultIsFile() && this.sendfile();
    if (!isPromise(sent)) return this.#sendRest(sent);
    return Promise.resolve(sent).then((isSent) => this.#sendRest(isSent));
  }

  #sendRest(isSent: boolean): Promise<void> | undefined {
    if (!isSent) return this.#sendChunks();
    this.#framing.trust();
    return undefined;
  }

  #sendChunks(): Promise<void> | undefined {
    if (this.result === undefined) return undefined;
    this.#reader = new BodyReader(this.result);
    return new Sender(this, this.#client, this.#framing).sendChunks(this.#reader, this.#unwritten);
  }

  /**
   * Sends `result`, a `wsgi.file_wrapper`, by a way of the platform's own, and says whether it did so.
   *
   * By default a `FileHandle` is read in large blocks; anything else is left to the iteration.
   * An override that does not send by `write` calls `sendHeaders` first; without a Content-Length, chunks would be due.
   *
   * Source: PEP 3333, "Optional Platform-Specific File Handling".
   */
  sendfile(): boolean | Promise<boolean> {
    const wrapper = this.result;
    return isWholeFile(wrapper) && isFileHandle(wrapper.filelike)
      ? this.#sendHandle(wrapper, wrapper.filelike)
      : false;
  }

  async #sendHandle(wrapper: FileWrapper, handle: FileHandleLike): Promise<boolean> {
    await this.#unwritten;
    if (!this.headersSent && this.headers?.has('Content-Length') === false) {
      const size = this.status?.startsWith('304') ? undefined : await wrapper.size();
      if (size !== undefined) this.headers.set('Content-Length', String(size));
    }
    if (this.#isBodyless()) return true;
    const length = this.headers?.get('Content-Length') ?? Number.POSITIVE_INFINITY;
    const sender = new Sender(this, this.#client, this.#framing);
    await sender.sendFile(handle, this.headersSent ? this.#framing.left : Number(length));
    return true;
  }

  /** Sends status and header fields. */
  sendHeaders(): void {
    this.cleanupHeaders();
    this.headersSent = true;
    this.declined = !this.#failed && this.declines(this.status ?? '');
    this.#framing.begin(
      this.declined || this.#isBodyless(),
      this.headers?.has('Transfer-Encoding') === true,
      this.headers?.get('Content-Length'),
    );
    if (this.declined) return;
    if (!this.originServer || this.clientIsModern()) this._writeHead();
  }

  #isBodyless(): boolean {
    return isBodyless(this.requestMethod, this.status ?? '');
  }

  /** Sees to it that header fields and body are whole, and ends the response. */
  finishContent(): void | Promise<void> {
    if (!this.headersSent) {
      if (this.status === undefined) {
        throw new Error(
          'the body ended and startResponse(status, headers) was never called; call it before the first chunk',
        );
      }
      if (!this.#isBodyless()) this.headers?.setDefault('Content-Length', '0');
      this.sendHeaders();
    }
    const framing = this.#framing;
    if (framing.missing > 0) throw new Error(framing.shortfall);
    this.#over = true;
    if (this.declined) return undefined;
    if (framing.chunked) this._writeText('0\r\n\r\n');
    return this._end();
  }

  /** Closes the body, once, and resets the handler. It is called once for each response, at its very end. */
  close(): void | Promise<void> {
    this.#over = true;
    this.#closed = true;
    return this.#closeBody()?.then(() => this.reset()) ?? this.reset();
  }

  #closeBody(): Promise<void> | undefined {
    if (this.result === undefined) return undefined;
    this.#reader ??= new BodyReader(this.result);
    return this.#reader.close((error) => {
      if (!this.#client.gone || !isDisconnect(error)) this.report(error);
    });
  }

  #recover(error: unknown): void | Promise<void> {
    this.#failed = true;
    if (this.declined) {
      // Nothing of the response was sent, so its error can still be answered.
      this.declined = this.headersSent = false;
      this.#framing = new Framing();
    }
    // A body that the client cut short is known here before the transport says that the client has gone.
    if (saysClientLeft(error, this.#input)) this.handleDisconnect();
    if (this.#client.gone && isDisconnect(error)) return this.#closeOnce();
    try {
      const handling = this.handleError(error);
      if (!isPromise(handling)) return this.#closeOnce();
      return handling.then(
        () => this.#closeOnce(),
        (second) => this.#giveUp(second),
      );
    } catch (second) {
      return this.#giveUp(second);
    }
  }

  #closeOnce(): void | Promise<void> {
    return this.#closed ? undefined : this.close();
  }

  /** An error while an error was handled: nothing more is tried. */
  #giveUp(error: unknown): void | Promise<void> {
    this.report(error);
    this.#over = true;
    this._abort();
    return this.#closeOnce();
  }

  /**
   * Logs an error, then answers with {@link errorOutput}, or ends the connection once the header fields are
   * sent. A body over `maxBodySize` is the client's error: it is answered, and not logged.
   */
  handleError(error: unknown): void | Promise<void> {
    if (!(error instanceof PayloadTooLargeError)) this.report(error);
    if (this.#client.gone) return undefined;
    if (this.headersSent) {
      this.#over = true;
      this._abort();
      return undefined;
    }
    this.#reader = undefined;
    const thrown = error ?? new Error(`${error} was thrown`);
    this.#accept(this.errorOutput(this.environ, this.#startResponse, thrown));
    return this.finishResponse();
  }
}
