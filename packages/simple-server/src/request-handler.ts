import { types } from 'node:util';
import type { Application, ErrorStream, InputStream, RequestEnviron } from '@wsgi/core';
import {
  addHeaders,
  BodyInput,
  emptySource,
  notFound,
  percentDecode,
  splitMount,
  splitTarget,
} from '@wsgi/core/handlers';
import { escapeControls, escapeForLog, logDateTime } from './access-log.js';
import type { RequestEvent } from './parser/index.js';
import { type RequestLog, ServerHandler, type ServerOutput } from './server-handler.js';
import { softwareVersion } from './version.js';

/** What a {@link WSGIRequestHandler} needs of its server. */
export interface HandlerServer {
  /** What every environ begins with. */
  readonly baseEnviron: Readonly<BaseEnviron>;
  /** Where `wsgi.errors` goes. */
  readonly errors: ErrorStream;
  /** Takes a line of the access log; `null` for no log. */
  readonly log: ((line: string) => void) | null;
  getApp(): Application;
  /** The entries that the option `environ` adds for a request. */
  extraEnviron(request: RequestEvent): Readonly<Record<string, unknown>> | undefined;
  /** Takes an error that nobody else answers for. */
  report(error: unknown): void;
}

/** What is the same in every environ of a server: wsgiref's `base_environ`. */
export interface BaseEnviron {
  SERVER_NAME: string;
  SERVER_PORT: string;
  SCRIPT_NAME: string;
  GATEWAY_INTERFACE: string;
  'wsgi.url_scheme': 'http' | 'https';
  [key: string]: string;
}

const BASE_KEYS: ReadonlySet<string> = new Set([
  'SERVER_NAME',
  'SERVER_PORT',
  'SCRIPT_NAME',
  'GATEWAY_INTERFACE',
  'wsgi.url_scheme',
] satisfies (keyof BaseEnviron)[]);

/** The peer; both undefined where the transport knows none (a Unix socket). */
export interface ClientAddress {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/**
 * Handles the requests of one connection, one after the other: wsgiref's `WSGIRequestHandler`.
 *
 * To change what it does, extend it and pass the class as `handlerClass`.
 *
 * @example
 * ```ts
 * class Quiet extends WSGIRequestHandler {
 *   override logRequest(): void {}
 * }
 * await makeServer('127.0.0.1', 8000, app, { handlerClass: Quiet });
 * ```
 */
export class WSGIRequestHandler implements RequestLog {
  /** `SERVER_SOFTWARE` and the `Server` field, which `''` leaves out. */
  serverSoftware: string = softwareVersion;
  readonly server: HandlerServer;
  readonly clientAddress: ClientAddress;
  /** The request line as sent; `''` when none was read. */
  requestLine = '';
  /** The keys that a server's base environ has beyond its own. */
  readonly #extraKeys: readonly string[];
  /** The header fields of the request before, and the environ with them, once they have come again. */
  #rawHeaders: readonly string[] | undefined;
  #repeated: RequestEnviron | undefined;
  /** Whether the request at hand is outside the server's mount. */
  #isOutside = false;

  constructor(server: HandlerServer, clientAddress: ClientAddress) {
    this.server = server;
    this.clientAddress = clientAddress;
    this.#extraKeys = Object.keys(server.baseEnviron).filter((key) => !BASE_KEYS.has(key));
  }

  /** Makes the handler that runs the application for one request. */
  makeHandler(request: RequestEvent, input: InputStream, output: ServerOutput): ServerHandler {
    this.#isOutside = false;
    const environ = this.getEnviron(request);
    const handler = new ServerHandler(input, output, this.getStderr(), environ);
    try {
      handler.extraEnviron = this.server.extraEnviron(request);
    } catch (error) {
      // Thrown again within the run, which answers it as it answers an error of the application.
      handler.extraEnviron = () => {
        throw error;
      };
    }
    handler.serverSoftware = this.serverSoftware;
    handler.requestHandler = this;
    return handler;
  }

  /** Makes the handler that answers a request which could not be read. */
  makeErrorHandler(output: ServerOutput): ServerHandler {
    const { baseEnviron } = this.server;
    // A line that was read says whether the answer may have a body (RFC 9110 section 9.3.2).
    const REQUEST_METHOD = this.requestLine.startsWith('HEAD ') ? 'HEAD' : '';
    const environ = { ...baseEnviron, REQUEST_METHOD, SERVER_PROTOCOL: 'HTTP/1.1' };
    const input = new BodyInput(emptySource);
    const handler = new ServerHandler(input, output, this.getStderr(), environ);
    handler.serverSoftware = this.serverSoftware;
    handler.requestHandler = this;
    return handler;
  }

  /** What answers the request that {@link makeHandler} has made a handler for: outside the mount nobody does. */
  getApp(): Application {
    return this.#isOutside ? notFound : this.server.getApp();
  }

  /** The environ of a request, but for the handler's own part: wsgiref's `get_environ`. */
  getEnviron(request: RequestEvent): RequestEnviron {
    const environ = this.#withFields(request.rawHeaders);
    const { path, query } = splitTarget(request.url);
    const base = this.server.baseEnviron;
    const mounted = splitMount(path, base.SCRIPT_NAME);
    // Known here, and not from SCRIPT_NAME: the option `environ` may name another one, which links are to begin with.
    this.#isOutside = mounted === undefined;
    environ.REQUEST_METHOD = request.method;
    environ.SCRIPT_NAME = mounted?.scriptName ?? '';
    environ.PATH_INFO = mounted?.pathInfo ?? percentDecode(path);
    environ.QUERY_STRING = query;
    environ.SERVER_NAME = base.SERVER_NAME;
    environ.SERVER_PORT = base.SERVER_PORT;
    environ.SERVER_PROTOCOL = request.httpVersion === '1.1' ? 'HTTP/1.1' : 'HTTP/1.0';
    environ.SERVER_SOFTWARE = this.serverSoftware;
    environ.GATEWAY_INTERFACE = base.GATEWAY_INTERFACE;
    environ.REQUEST_URI = request.url;
    environ['wsgi.url_scheme'] = base['wsgi.url_scheme'];
    for (const key of this.#extraKeys) environ[key] ??= base[key];
    // RFC 9112 section 3.2.2: the authority of an absolute-form target replaces the Host field.
    if (request.authority !== null) environ['HTTP_HOST'] = request.authority;
    return environ;
  }

  /** An environ with the client and the header fields, and with room for the rest. */
  #withFields(rawHeaders: readonly string[]): RequestEnviron {
    const isRepeated = rawHeaders === this.#rawHeaders;
    // To copy an object costs a fraction of what it costs to set its keys.
    if (isRepeated && this.#repeated !== undefined) return { ...this.#repeated };
    this.#rawHeaders = rawHeaders;
    const environ = emptyEnviron();
    const { address, port } = this.clientAddress;
    if (address !== undefined) environ.REMOTE_ADDR = address;
    if (port !== undefined) environ.REMOTE_PORT = String(port);
    addHeaders(environ, rawHeaders);
    this.#repeated = isRepeated ? { ...environ } : undefined;
    return environ;
  }

  /** `wsgi.errors`: wsgiref's `get_stderr`. */
  getStderr(): ErrorStream {
    return this.server.errors;
  }

  /**
   * Logs a response that is over.
   *
   * @param code - its status, three digits; `-` when there is none.
   * @param size - the bytes of body that were sent.
   */
  logRequest(code: string, size: number): void {
    if (this.server.log === null) return;
    this.logMessage(`"${escapeForLog(this.requestLine)}" ${code} ${size}`);
  }

  /** Logs what went wrong outside of any application. */
  logError(message: string): void {
    this.logMessage(escapeForLog(message));
  }

  /** Writes a line of the access log: the client, the time, and a message, whose control characters are escaped. */
  logMessage(message: string): void {
    const client = `${this.addressString()} - - [${this.logDateTimeString()}]`;
    const logged: unknown = this.server.log?.(`${client} ${escapeControls(message)}`);
    // An async function, say: unheard, its error would end the process.
    if (types.isPromise(logged)) logged.catch((error) => this.server.report(error));
  }

  /** The client in a line of the log. */
  addressString(): string {
    return this.clientAddress.address ?? '-';
  }

  /** The time in a line of the log. */
  logDateTimeString(): string {
    return logDateTime();
  }
}

/**
 * One literal with all keys that are known: V8 makes it in a fiftieth of the time that setting them would take.
 *
 * `@wsgi/core/node` has a constructor in its place, for requests that live longer than the ones here: see its blank.ts.
 */
function emptyEnviron(): RequestEnviron {
  return {
    REQUEST_METHOD: '',
    SCRIPT_NAME: '',
    PATH_INFO: '',
    QUERY_STRING: '',
    CONTENT_TYPE: '',
    CONTENT_LENGTH: '',
    SERVER_NAME: '',
    SERVER_PORT: '',
    SERVER_PROTOCOL: '',
    SERVER_SOFTWARE: '',
    GATEWAY_INTERFACE: '',
    REQUEST_URI: '',
    'wsgi.url_scheme': 'http',
    // Room for what the handler adds: an object that outgrows its first size by much becomes slow.
    'wsgi.version': undefined,
    'wsgi.input': undefined,
    'wsgi.errors': undefined,
    'wsgi.multithread': undefined,
    'wsgi.multiprocess': undefined,
    'wsgi.run_once': undefined,
    'wsgi.file_wrapper': undefined,
    'wsgi.input_terminated': undefined,
    'gateway.signal': undefined,
  };
}
