import cluster from 'node:cluster';
import { STATUS_CODES } from 'node:http';
import type { Environ, ErrorStream, InputStream, ResponseBody, StartResponse } from '@wsgi/core';
import { nextTurn, type OutputStream, SimpleHandler } from '@wsgi/core/handlers';
import { ProtocolError } from './parser/index.js';
import { softwareVersion } from './version.js';

/** What a {@link ServerHandler} writes to. All but `write` may be left out. */
export interface ServerOutput extends OutputStream {
  /** Takes text, a byte for each code unit. */
  writeText?(text: string): void;
  /**
   * Asked when the head is written: the field that tells the client what becomes of the connection.
   *
   * @param isDelimited - whether the client can tell where the body ends without its being closed.
   */
  connectionField?(isDelimited: boolean): string;
  /** Told that the response is whole, in place of a `flush`: its end may wait for what follows. */
  endResponse?(): void;
  /** Whether bytes may be written over now that `flush` is done; see `BaseHandler.releasesBytes`. */
  readonly releasesBytes?: boolean;
}

type Entries = Readonly<Record<string, unknown>>;

/** Node has the reason that RFC 7231 gave to 413; RFC 9110 section 15.5.14 has this one, and so has core. */
const REASONS: typeof STATUS_CODES = { ...STATUS_CODES, 413: 'Content Too Large' };

/** Where a finished request is logged. */
export interface RequestLog {
  logRequest(code: string, size: number): void;
}

/**
 * Runs the application for one request of a `WSGIRequestHandler`: wsgiref's `ServerHandler`.
 *
 * It speaks HTTP/1.1, and logs the request when the response is over.
 */
export class ServerHandler extends SimpleHandler {
  override httpVersion = '1.1';
  override serverSoftware: string | undefined = softwareVersion;
  declare readonly stdout: ServerOutput;
  /** Whose request this is; it gets the access log's line. */
  requestHandler: RequestLog | undefined = undefined;
  /** The entries that the server's option `environ` adds, or what is to be asked for them. */
  extraEnviron: Entries | (() => Entries | undefined) | undefined = undefined;

  constructor(
    stdin: InputStream,
    stdout: ServerOutput,
    stderr: ErrorStream,
    environ: Readonly<Record<string, unknown>>,
    multithread = false,
    multiprocess: boolean = cluster.isWorker,
  ) {
    super(stdin, stdout, stderr, environ, multithread, multiprocess);
  }

  override setupEnviron(): void {
    if (this.requestHandler === undefined) {
      super.setupEnviron();
    } else {
      // What `getEnviron` gave was made for this request alone, and need not be copied.
      this.begin(this.baseEnv);
      this.addWsgiVars();
    }
    const { extraEnviron: extra } = this;
    if (extra !== undefined) {
      Object.assign(this.environ, typeof extra === 'function' ? extra() : extra);
    }
  }

  override getScheme(): string {
    return this.requestHandler === undefined ? super.getScheme() : this.environ['wsgi.url_scheme'];
  }

  override sendPreamble(): void {
    super.sendPreamble();
    // A handler class that speaks HTTP/1.0 sends no chunks, so that only a Content-Length delimits the body.
    const isOld = this.httpVersion === '1.0' && this.headers?.has('Content-Length') === false;
    const field = this.stdout.connectionField?.(!isOld && !this.endsWithConnection);
    if (field !== undefined && field !== '') this._writeText(field);
  }

  override _writeText(text: string): void | Promise<void> {
    if (this.stdout.writeText === undefined) return super._writeText(text);
    return this.stdout.writeText(text);
  }

  override get releasesBytes(): boolean {
    return this.stdout.releasesBytes === true;
  }

  override _flush(): void | Promise<void> {
    // A body that never lets the event loop turn would keep the connection's 'close' from being emitted.
    if (this.stdout.destroyed === true) return this.handleDisconnect();
    return super._flush();
  }

  override _pause(): void | Promise<void> {
    return nextTurn();
  }

  override _end(): void | Promise<void> {
    if (this.stdout.endResponse === undefined) return super._end();
    this.stdout.endResponse();
  }

  /** A request that turns out broken while the application reads it is the client's error: not logged as one. */
  override handleError(error: unknown): void | Promise<void> {
    if (!(error instanceof ProtocolError)) return super.handleError(error);
    if (this.headersSent) return this._abort();
    this.result = this.errorOutput(this.environ, this.startResponse.bind(this), error);
    return this.finishResponse();
  }

  override errorOutput(
    environ: Environ,
    startResponse: StartResponse,
    error: unknown,
  ): ResponseBody {
    if (!(error instanceof ProtocolError)) return super.errorOutput(environ, startResponse, error);
    const status = `${error.status} ${REASONS[error.status] ?? 'Error'}`;
    startResponse(status, [['Content-Type', 'text/plain']], error);
    return [Buffer.from(`${status}\n`)];
  }

  override close(): void | Promise<void> {
    try {
      this.requestHandler?.logRequest(this.status?.slice(0, 3) ?? '-', this.bytesSent);
    } catch (error) {
      // A log that fails is no reason to lose the body's own end, or the server.
      this.report(error);
    }
    const closing = super.close();
    // A whole response may be held until the turn ends, but not for as long as its body takes to close.
    if (closing !== undefined) this._flush();
    return closing;
  }
}
