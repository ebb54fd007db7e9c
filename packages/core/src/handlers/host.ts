import { PayloadTooLargeError } from '../errors.js';
import { Headers } from '../headers.js';
import type {
  Environ,
  ErrorStream,
  FileWrapperClass,
  HeaderList,
  InputStream,
  ResponseBody,
  StartResponse,
} from '../types.js';
import { FileWrapper, formatDateTime, guessScheme } from '../util/index.js';
import { sizeOf } from './body.js';
import type { HeadersClass } from './checks.js';
import { isBodyless } from './framing.js';
import { describeError } from './report.js';

const TOO_LARGE = Buffer.from('The request body is too large.');

/**
 * The host's side of a handler: what a subclass of `BaseHandler` may set or override, and what it must provide.
 *
 * Source: wsgiref.handlers.BaseHandler, "Configuration parameters" and "Pure abstract methods".
 */
export abstract class HandlerHost {
  /** `wsgi.version`. Default: `[1, 0]`. */
  declare wsgiVersion: readonly [number, number];
  /** `wsgi.multithread`. Default: `false`, since a Node process runs one thread of an application. */
  declare wsgiMultithread: boolean;
  /** `wsgi.multiprocess`: true where other processes run the same application. Default: `false`. */
  declare wsgiMultiprocess: boolean;
  /** `wsgi.run_once`: true where the process serves one request and ends, as in CGI. Default: `false`. */
  declare wsgiRunOnce: boolean;
  /** True, the default: this handler writes HTTP to the client itself. False: a server behind it does (CGI). */
  declare originServer: boolean;
  /** The HTTP version of the status line; from `'1.1'` on, bodies of unknown length are chunked. Default: `'1.0'`. */
  declare httpVersion: string;
  /** The `Server` header, and SERVER_SOFTWARE. Default: neither. */
  declare serverSoftware: string | undefined;
  /** What every environ begins with. Empty by default, unlike wsgiref's: the process environment holds secrets. */
  declare osEnviron: Readonly<Record<string, string>>;
  /** `wsgi.file_wrapper`; `null` switches the recognition of files off. Default: `FileWrapper`. */
  declare wsgiFileWrapper: FileWrapperClass | null;
  /** What keeps the response's fields: `Headers`, the default, or a class that extends it. */
  declare headersClass: HeadersClass;
  /** The most stack frames that `logException` writes; undefined, the default: all. */
  declare tracebackLimit: number | undefined;
  /** The status of the error page. Default: `500 Internal Server Error`. */
  declare errorStatus: string;
  /** The header fields of the error page. Default: a Content-Type of `text/plain`. */
  declare errorHeaders: HeaderList;
  /** The error page. Default: one sentence, which tells nothing of the error. */
  declare errorBody: Uint8Array;
  /** The most bytes that a request's body may hold: a longer one is answered with 413. Default: no limit. */
  declare maxBodySize: number;

  /** The environ of the request, from `setupEnviron` on. */
  declare environ: Environ;
  /** REQUEST_METHOD as it came. An application may change its environ, and not what the client waits for. */
  declare requestMethod: string | undefined;
  /** SERVER_PROTOCOL as it came. */
  declare requestProtocol: string | undefined;
  /** The status of the response; undefined until `startResponse` was called, and at the end again. */
  status: string | undefined = undefined;
  /** The header fields of the response; undefined when `status` is. */
  headers: Headers | undefined = undefined;
  /** Whether `startResponse` was called, if only in vain: PEP 3333 wants the error with the next call then, too. */
  protected started = false;
  /** Whether status and header fields have been handed to the transport, and can no longer be replaced. */
  headersSent = false;
  /** The host does not want the response, and nothing of it is sent. See {@link declines}. */
  declined = false;
  /** The bytes of the body handed to the transport so far. */
  bytesSent = 0;
  /** The body: what the application has returned, or the error page. */
  result: ResponseBody | undefined = undefined;

  /** Makes the environ: `osEnviron`, what `addCgiVars` knows of the request, and the handler's own part. */
  setupEnviron(): void {
    this.begin({ ...this.osEnviron });
    this.addCgiVars();
    this.addWsgiVars();
  }

  /** Takes `vars` for the environ: what it lacks is added next, by `addCgiVars` and `addWsgiVars`. */
  protected begin(vars: Readonly<Record<string, unknown>>): void {
    this.environ = vars as Environ;
  }

  /** Keeps what the request says of itself, once it is known. */
  protected keepRequest(): void {
    this.requestMethod ??= this.environ.REQUEST_METHOD;
    this.requestProtocol ??= this.environ.SERVER_PROTOCOL;
  }

  /** Adds the handler's own part: the `wsgi.*` keys of PEP 3333, "environ Variables". */
  protected addWsgiVars(): void {
    const { environ } = this;
    this.keepRequest();
    environ['wsgi.version'] = this.wsgiVersion;
    environ['wsgi.url_scheme'] = this.getScheme();
    environ['wsgi.input'] = this.getStdin();
    environ['wsgi.errors'] = this.getStderr();
    environ['wsgi.multithread'] = this.wsgiMultithread;
    environ['wsgi.multiprocess'] = this.wsgiMultiprocess;
    environ['wsgi.run_once'] = this.wsgiRunOnce;
    if (this.wsgiFileWrapper !== null) environ['wsgi.file_wrapper'] = this.wsgiFileWrapper;
    environ['wsgi.input_terminated'] = true;
    // Bound, and no arrow function: V8 moves what an anonymous function in a property closes over, here the whole
    // request, to the old generation, where only a full collection frees it.
    environ['gateway.signal'] = this.signal.bind(this);
    if (this.originServer && this.serverSoftware) {
      environ.SERVER_SOFTWARE ??= this.serverSoftware;
    }
  }

  /** `wsgi.url_scheme`. */
  getScheme(): string {
    return guessScheme(this.environ);
  }

  /** Sets the Content-Length from an array's or a file's size, or else switches to chunked coding. */
  setContentLength(): void {
    const bodyless = isBodyless(this.requestMethod, this.status ?? '');
    const size = this.status?.startsWith('304') ? undefined : sizeOf(this.result);
    // An application may answer HEAD with an empty body: that says nothing of what GET would get.
    if (size !== undefined && !(bodyless && size === 0)) {
      this.headers?.set('Content-Length', String(size));
    } else if (this.originServer && this.httpVersion !== '1.0' && !bodyless) {
      // An HTTP/1.0 client knows no coding: the end of the connection is the end of its body.
      if (this.requestProtocol === 'HTTP/1.1') this.headers?.set('Transfer-Encoding', 'chunked');
    }
  }

  /** The last changes to the header fields before they are sent. */
  cleanupHeaders(): void {
    // RFC 9110 sections 8.6 and 15.3.6: no Content-Length with 204; 205 has none but 0, which a client waits for.
    if (this.status?.startsWith('204')) this.headers?.delete('Content-Length');
    else if (this.status?.startsWith('205')) this.headers?.set('Content-Length', '0');
    else if (this.headers?.has('Content-Length') === false) this.setContentLength();
  }

  /** Writes the status line, Date and Server; under CGI, the Status field. */
  sendPreamble(): void {
    if (!this.originServer) {
      this._writeText(`Status: ${this.status}\r\n`);
      return;
    }
    if (!this.clientIsModern()) return;
    let preamble = `HTTP/${this.httpVersion} ${this.status}\r\n`;
    if (!this.headers?.has('Date')) preamble += `Date: ${httpDate()}\r\n`;
    if (this.serverSoftware && !this.headers?.has('Server')) {
      preamble += `Server: ${this.serverSoftware}\r\n`;
    }
    this._writeText(preamble);
  }

  /** Sends status and header fields in one piece; a host with a response object of its own overrides it. */
  _writeHead(): void {
    this.sendPreamble();
    if (this.headers !== undefined) this._writeText(this.headers.toString());
  }

  /** True if `result` is a `wsgi.file_wrapper`. */
  resultIsFile(): boolean {
    return this.wsgiFileWrapper !== null && this.result instanceof this.wsgiFileWrapper;
  }

  /** True if the client understands a status line and header fields: all but HTTP/0.9. */
  clientIsModern(): boolean {
    return this.requestProtocol !== 'HTTP/0.9';
  }

  /**
   * The error page: an application that is given the error, to pass on to `startResponse`.
   *
   * It shows no diagnostics: the reader is a stranger.
   */
  errorOutput(_environ: Environ, startResponse: StartResponse, error: unknown): ResponseBody {
    const tooLarge = error instanceof PayloadTooLargeError;
    const status = tooLarge ? '413 Content Too Large' : this.errorStatus;
    // A list of its own: all requests share the default one, and who extends `startResponse` may add to it.
    startResponse(status, [...this.errorHeaders], error);
    return [tooLarge ? TOO_LARGE : this.errorBody];
  }

  /** Forgets the response, at the very end of it. */
  protected reset(): void {
    this.result = undefined;
    this.headers = undefined;
    this.status = undefined;
    this.started = false;
    this.bytesSent = 0;
    this.headersSent = false;
  }

  /** Writes an error and its stack to `wsgi.errors`. */
  logException(error: unknown): void {
    const stderr = this.getStderr();
    stderr.write(`${describeError(error, this.tracebackLimit)}\n`);
    stderr.flush();
  }

  /** {@link logException}, but it never throws. */
  report(error: unknown): void {
    try {
      this.logException(error);
    } catch (broken) {
      process.emitWarning(`wsgi.errors cannot be written: ${describeError(broken, 0)}`);
    }
  }

  /**
   * Whether to drop the application's response, because of its status, and leave the request to somebody else. By
   * default never.
   *
   * Asked once, when the header fields are due: with the first non-empty chunk, or at the end of the body. After
   * a yes nothing is sent, {@link declined} is true, and the body is closed.
   */
  declines(_status: string): boolean {
    return false;
  }

  /** The signal behind `gateway.signal`. */
  abstract signal(): AbortSignal;

  /**
   * Hands bytes to the transport.
   *
   * @returns a promise when the transport is full; it must settle when that has drained, and when it has closed.
   */
  abstract _write(data: Uint8Array): void | Promise<void>;

  /**
   * Asked when `_write` and `_flush` have returned, and their promise has settled: whether the transport has let go of
   * the bytes, so that they may be written over. By default it may still hold them.
   */
  get releasesBytes(): boolean {
    return false;
  }

  /**
   * Hands text to the transport, a byte for each code unit: the head, and what stands around chunks. A host that
   * can join it to the bytes that follow overrides it.
   */
  _writeText(text: string): void | Promise<void> {
    return this._write(Buffer.from(text, 'latin1'));
  }

  /** Sends what `_write` may have held back. It may ask to wait, as `_write` does. */
  abstract _flush(): void | Promise<void>;

  /**
   * Asked after each chunk but the last: a promise where the event loop is to serve others before the next one. A
   * transport whose clients wait for the same event loop overrides it. By default never.
   */
  _pause(): void | Promise<void> {}

  /** Told that the response is whole. It may ask to wait, as `_write` does: until all bytes have been taken. */
  _end(): void | Promise<void> {}

  /** Told to destroy the connection: the response was begun and cannot be finished. */
  _abort(): void {}

  /** `wsgi.input`. */
  abstract getStdin(): InputStream;

  /** `wsgi.errors`; asked for again at each report. */
  abstract getStderr(): ErrorStream;

  /** Adds what is known of the request to `this.environ`. */
  abstract addCgiVars(): void;
}

let second = Number.NaN;
let date = '';

/** The time for a `Date` field. It changes once a second, and is made no more often. */
function httpDate(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    date = formatDateTime(now);
  }
  return date;
}

// The defaults stand on the prototype, as wsgiref's do on the class: a request pays nothing for them.
Object.assign(HandlerHost.prototype, {
  wsgiVersion: [1, 0],
  wsgiMultithread: false,
  wsgiMultiprocess: false,
  wsgiRunOnce: false,
  originServer: true,
  httpVersion: '1.0',
  serverSoftware: undefined,
  osEnviron: {},
  wsgiFileWrapper: FileWrapper,
  headersClass: Headers,
  tracebackLimit: undefined,
  errorStatus: '500 Internal Server Error',
  errorHeaders: [['Content-Type', 'text/plain']],
  errorBody: Buffer.from('A server error occurred.  Please contact the administrator.'),
  maxBodySize: Number.POSITIVE_INFINITY,
  requestMethod: undefined,
  requestProtocol: undefined,
} satisfies Partial<HandlerHost>);
