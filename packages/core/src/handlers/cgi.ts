import { isDisconnect } from '../errors.js';
import { BodyInput, standardErrors } from '../streams/index.js';
import type { ApplicationLike } from '../types.js';
import { toApplication } from './application.js';
import { CGIBody, untilFlushed } from './cgi-streams.js';
import { checkGatewayOptions, type GatewayOptions } from './options.js';
import { inCGI, readEnviron } from './read-environ.js';
import { SimpleHandler } from './simple.js';

/**
 * A handler for CGI and what resembles it (SCGI, FastCGI): wsgiref's `BaseCGIHandler`.
 *
 * It writes a `Status` field in place of a status line, and leaves the framing to the web server.
 *
 * Source: RFC 3875 section 6; wsgiref.handlers.BaseCGIHandler.
 */
export class BaseCGIHandler extends SimpleHandler {
  override originServer = false;

  /** Web servers leave out what is empty; here these three are always there. */
  override addCgiVars(): void {
    super.addCgiVars();
    this.environ.SCRIPT_NAME ??= '';
    this.environ.PATH_INFO ??= '';
    this.environ.QUERY_STRING ??= '';
  }
}

/** What {@link CGIHandler} takes. */
export interface CGIOptions extends Omit<GatewayOptions<never>, 'environ'> {
  /** Entries of the environ, added last. Default: none. */
  environ?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Runs an application as a CGI script: the request comes from the environment and standard input, the response
 * goes to standard output.
 *
 * Standard output is the response. What else is written there, by `console.log` too, ends up in the middle of it:
 * report on `wsgi.errors`, or with `console.error`.
 *
 * When `run()` is over, all bytes have left the process, and it ends by itself unless something is still open (a
 * timer, a pool of connections). Then call `process.exit()`: the client may wait for the end of the process.
 *
 * A client that goes away is noticed when bytes can no longer be written, or by the SIGTERM with which web servers
 * end a script; once the body is closed, the signal does its work. A response that broke off after its header
 * fields sets `process.exitCode` to 1: CGI has no other way to say so.
 *
 * `HTTP_PROXY` is removed from `process.env`: under CGI it is the request's `Proxy` field, and HTTP clients would
 * obey it (CVE-2016-1000110).
 *
 * Source: RFC 3875; wsgiref.handlers.CGIHandler.
 *
 * @example
 * ```js
 * #!/usr/bin/env node
 * import { CGIHandler } from '@wsgi/core/handlers';
 *
 * await new CGIHandler().run((environ, startResponse) => {
 *   startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   return [Buffer.from('Hello')];
 * });
 * ```
 */
export class CGIHandler extends BaseCGIHandler {
  override wsgiRunOnce = true;
  readonly #body: CGIBody;
  readonly #input: BodyInput;
  readonly #extra: Readonly<Record<string, unknown>> | undefined;
  #terminated = false;

  /** @throws TypeError when an option has a wrong value. */
  constructor(options: CGIOptions = {}) {
    checkGatewayOptions(options);
    if (typeof options.environ === 'function') {
      throw new TypeError(
        'environ must be an object, not a function: a CGI script has one request, which is in the environ already',
      );
    }
    const environ = readEnviron();
    const body = new CGIBody(environ);
    const limit = options.maxBodySize ?? Number.POSITIVE_INFINITY;
    const input = new BodyInput(body, { limit });
    super(input, process.stdout, options.errors ?? standardErrors, environ, false, true);
    this.maxBodySize = limit;
    this.#body = body;
    this.#input = input;
    this.#extra = options.environ;
    if (inCGI(environ)) delete process.env['HTTP_PROXY'];
  }

  override setupEnviron(): void {
    super.setupEnviron();
    Object.assign(this.environ, this.#extra);
  }

  /**
   * Runs the application, as `BaseHandler.run` does, and lets all bytes out of the process.
   *
   * @throws TypeError when `application` is none.
   */
  override run(application: ApplicationLike): void | Promise<void> {
    const app = toApplication(application);
    // It stays: an unheard 'error', even one after the response, would end the process.
    process.stdout.on('error', this.#onError);
    process.once('SIGTERM', this.#onTerminate);
    const running = super.run(app);
    return running === undefined ? this.#finish() : running.then(() => this.#finish());
  }

  #finish(): void | Promise<void> {
    this.#input.fail(new Error('wsgi.input cannot be read once the response is over'));
    // Both at once: the web server may want its body taken before it takes the response.
    const draining = this.clientGone ? undefined : this.#body.drain();
    const flushing = untilFlushed(process.stdout);
    if (draining === undefined && flushing === undefined) return this.#leave();
    return Promise.all([draining, flushing]).then(() => this.#leave());
  }

  /** The response is over: nothing of this handler keeps the process from ending. */
  #leave(): void {
    this.#body.release();
    process.off('SIGTERM', this.#onTerminate);
    if (this.#terminated && process.listenerCount('SIGTERM') === 0) {
      process.kill(process.pid, 'SIGTERM');
    }
  }

  readonly #onError = (error: Error): void => {
    if (!isDisconnect(error)) this.report(error);
    this.handleDisconnect();
  };

  readonly #onTerminate = (): void => {
    this.#terminated = true;
    this.handleDisconnect();
  };

  /** What was written goes out; that it is not whole is for the exit code to say. */
  override _abort(): void {
    process.exitCode = 1;
  }
}

/**
 * {@link CGIHandler} for Microsoft's IIS, which by default repeats SCRIPT_NAME at the front of PATH_INFO.
 *
 * Source: wsgiref.handlers.IISCGIHandler.
 */
export class IISCGIHandler extends CGIHandler {
  override addCgiVars(): void {
    super.addCgiVars();
    const { SCRIPT_NAME: script, PATH_INFO: path } = this.environ;
    if (`${path}/`.startsWith(`${script}/`)) this.environ.PATH_INFO = path.slice(script.length);
  }
}
