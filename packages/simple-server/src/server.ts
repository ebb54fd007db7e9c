import cluster from 'node:cluster';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { inspect } from 'node:util';
import type { Application, ApplicationLike, ErrorStream } from '@wsgi/core';
import { asError, checkScriptName, standardErrors, toApplication } from '@wsgi/core/handlers';
import { checkGatewayOptions, extraEntries } from '@wsgi/core/node';
import { logToStandardError } from './access-log.js';
import { listenOptions, serverName, serverUrl } from './address.js';
import { Connection, type ConnectionServer } from './connection.js';
import { resolveLimits, type ServerLimits } from './limits.js';
import { checkServerOptions, type WSGIServerOptions } from './options.js';
import type { RequestEvent } from './parser/index.js';
import { type BaseEnviron, WSGIRequestHandler } from './request-handler.js';
import { readPlainly, readReusingBuffer } from './reused-buffer.js';
import { makeRoomForSocket } from './unix-socket.js';

/** How long {@link WSGIServer.shutdown} waits for the requests that are at work. */
const SHUTDOWN_TIMEOUT = 10_000;

/** Milliseconds. What is longer Node turns into one. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * A server of one application: wsgiref's `WSGIServer`. `makeServer` makes one and lets it listen.
 *
 * It serves as soon as it listens, for as long as the process runs or until it is shut down.
 */
export class WSGIServer implements ConnectionServer, AsyncDisposable {
  /** What every environ begins with; made by {@link setupEnviron} when the server listens. */
  baseEnviron: BaseEnviron;
  /** The host's name, as in SERVER_NAME. */
  readonly serverName: string;
  readonly limits: Readonly<ServerLimits>;
  readonly maxBodySize: number;
  readonly errors: ErrorStream;
  readonly log: ((line: string) => void) | null;
  /** How many bodies are still closing, though their responses are whole and their connections have closed. */
  tidying = 0;
  readonly #host: string;
  readonly #scriptName: string;
  readonly #listener: Server;
  readonly #options: WSGIServerOptions;
  readonly #connections = new Set<Connection>();
  /** The sockets below TLS, which are there before the handshake makes connections of them. */
  readonly #transports = new Set<Socket>();
  readonly #closed: Promise<void>;
  #application: Application | undefined;
  #isClosing = false;
  #isClosed = false;
  #waiting: Array<() => void> = [];
  #sweeper: NodeJS.Timeout | undefined;

  /**
   * @throws RangeError or TypeError that names a bad option, its value and what it takes.
   */
  constructor(host: string, options: WSGIServerOptions = {}) {
    checkGatewayOptions(options);
    checkServerOptions(options);
    this.#host = host;
    this.#options = options;
    this.#scriptName = checkScriptName(options.scriptName);
    this.serverName = serverName(host);
    this.limits = resolveLimits(options);
    this.maxBodySize = options.maxBodySize ?? Number.POSITIVE_INFINITY;
    this.errors = options.errors ?? standardErrors;
    this.log = options.log === false ? null : (options.log ?? logToStandardError);
    // Not an override: the fields of a subclass are not initialised yet.
    this.baseEnviron = WSGIServer.prototype.setupEnviron.call(this, '');
    this.#listener = this.#makeListener();
    this.#closed = new Promise((resolve) => this.#listener.on('close', resolve));
    this.#listener.on('close', () => {
      this.#isClosed = true;
      this.answered();
    });
  }

  /** The application that is served. */
  getApp(): Application {
    if (this.#application === undefined) throw new Error('no application: call setApp() first');
    return this.#application;
  }

  /** @throws TypeError for anything that is no application. */
  setApp(app: ApplicationLike): void {
    this.#application = toApplication(app);
  }

  /**
   * Begins to listen and to serve. Rejects with the system's error, EADDRINUSE say, and when the server has been shut
   * down: another one must be made then. A Unix socket that a server left behind when it was killed is replaced.
   *
   * @param port - 0 for any free one.
   */
  async listen(port: number): Promise<void> {
    const options = listenOptions(this.#host, port);
    // A worker's socket is bound by the primary process, and may be there before anybody listens on it.
    if (options.path !== undefined && !cluster.isWorker) await makeRoomForSocket(options.path);
    const hasEnded = new Error('the server has been shut down: make another one');
    if (this.#isClosing) throw hasEnded;
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject);
      // Node looks the host up before it listens, and a close in between ends that without a word.
      this.#listener.once('close', () => reject(hasEnded));
      this.#listener.listen(options, () => {
        this.#listener.off('error', reject);
        resolve();
      });
    });
    // A connection that the system cannot hand over, for want of memory say, costs no other one.
    this.#listener.on('error', (error) => {
      this.#tell(() => `a connection was not accepted: ${error.message}`);
    });
    this.baseEnviron = this.setupEnviron(String(this.port ?? ''));
    this.#sweeper = setInterval(() => this.#sweep(), this.#sweepInterval()).unref();
  }

  /** Makes what every environ begins with: wsgiref's `setup_environ`. */
  setupEnviron(port: string): BaseEnviron {
    const scheme = this.#options.tls === undefined ? 'http' : 'https';
    return {
      SERVER_NAME: this.serverName,
      SERVER_PORT: port === '' ? (scheme === 'https' ? '443' : '80') : port,
      SCRIPT_NAME: this.#scriptName,
      GATEWAY_INTERFACE: 'CGI/1.1',
      'wsgi.url_scheme': scheme,
    };
  }

  /** What the server listens on: `null` when it does not, a string for a Unix socket. */
  address(): AddressInfo | string | null {
    // Of a Unix socket Node gives the path for ever.
    return this.#listener.listening ? this.#listener.address() : null;
  }

  /** The port; undefined for a Unix socket. */
  get port(): number | undefined {
    const address = this.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  /** Where a client on this machine finds the server. */
  get url(): string {
    const address = this.address();
    if (address === null) throw new Error('the server does not listen, so it has no url');
    return serverUrl(this.baseEnviron['wsgi.url_scheme'], this.#host, address);
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Resolves when the server has shut down: wsgiref's `serve_forever`. */
  serveForever(): Promise<void> {
    return this.#closed;
  }

  /** Resolves when the next request has been answered, or when the server has shut down. */
  handleRequest(): Promise<void> {
    if (this.#isClosed) return this.#closed;
    // No race with `#closed`, which would keep something of every call for as long as the server lives.
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Ends gracefully: accepts no more, lets what is at work finish, and closes idle connections.
   *
   * @param timeout - milliseconds after which what is still at work is cut off; Infinity for never. Default 10 s.
   * @throws RangeError for a time that is none, or longer than a timer of Node's can take.
   */
  async shutdown(timeout: number = SHUTDOWN_TIMEOUT): Promise<void> {
    if (!(timeout >= 0 && (timeout <= LONGEST_TIMER || timeout === Number.POSITIVE_INFINITY))) {
      throw new RangeError(
        `timeout must be from 0 to ${LONGEST_TIMER} milliseconds, or Infinity, not ${String(timeout)}`,
      );
    }
    this.#stopListening();
    let isLate = false;
    const cutOff = (): void => {
      isLate = true;
      this.#destroyAll();
      this.answered();
    };
    const deadline = timeout <= LONGEST_TIMER ? setTimeout(cutOff, timeout) : undefined;
    // Requests that have arrived and were not read yet are at work, too: two turns of the event loop read them.
    await setImmediate();
    await setImmediate();
    for (const connection of this.#connections) connection.finish();
    // A handshake that has begun may end, and its connection then does at once.
    for (const transport of this.#transports) if (transport.bytesRead === 0) transport.destroy();
    await this.#closed;
    // The process may end when this resolves, and must not cut off what a body does as it closes.
    while (this.tidying > 0 && !isLate)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    clearTimeout(deadline);
  }

  /** Ends at once: cuts off whatever is at work. */
  async close(): Promise<void> {
    this.#stopListening();
    this.#destroyAll();
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  answered(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Reports an error that costs a connection, or a line of the log: socketserver's `handle_error`. */
  report(error: unknown): void {
    this.#tell(() => inspect(error));
  }

  /** Writes to `wsgi.errors`. No caller can deal with a failure, and it must not end the process. */
  #tell(message: () => string): void {
    try {
      this.errors.write(`${message()}\n`);
      this.errors.flush();
    } catch (broken) {
      process.emitWarning(`wsgi.errors cannot be written: ${asError(broken).message}`);
    }
  }

  extraEnviron(request: RequestEvent): Readonly<Record<string, unknown>> | undefined {
    const { environ } = this.#options;
    return environ === undefined ? undefined : extraEntries(environ, request);
  }

  #makeListener(): Server {
    const { tls } = this.#options;
    const { maxConnections } = this.limits;
    const listener = tls === undefined ? this.#makePlainListener() : this.#makeTlsListener(tls);
    if (maxConnections > 0) listener.maxConnections = maxConnections;
    return listener;
  }

  #makePlainListener(): Server {
    return createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.#accept(socket, readReusingBuffer),
    );
  }

  #makeTlsListener(tls: TlsOptions): Server {
    const options: TlsOptions = {
      handshakeTimeout: this.limits.headersTimeout,
      // Node refuses to be given both.
      ...(tls.ALPNCallback === undefined && { ALPNProtocols: ['http/1.1'] }),
      ...tls,
      noDelay: true,
      allowHalfOpen: false,
    };
    const listener = createTlsServer(options, (socket) => this.#accept(socket, readPlainly));
    listener.on('connection', (transport: Socket) => {
      this.#transports.add(transport);
      transport.on('close', () => this.#transports.delete(transport));
    });
    return listener;
  }

  #accept(accepted: Socket, read: typeof readPlainly): void {
    const handler = this.#makeHandler(accepted);
    if (handler === undefined) {
      accepted.destroy();
      return;
    }
    const receive = (chunk: Buffer, length: number): void => connection.receive(chunk, length);
    const socket = read(accepted, receive);
    // Over TLS only now: a client that ends within the handshake is to be let go of.
    socket.allowHalfOpen = true;
    const connection = new Connection(socket, this, handler);
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
    if (this.#isClosing) connection.finish();
  }

  #makeHandler(accepted: Socket): WSGIRequestHandler | undefined {
    const { handlerClass = WSGIRequestHandler } = this.#options;
    try {
      const client = { address: accepted.remoteAddress, port: accepted.remotePort };
      return new handlerClass(this, client);
    } catch (error) {
      this.report(error);
      return undefined;
    }
  }

  #stopListening(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#closed.then(() => clearInterval(this.#sweeper));
    this.#listener.close();
  }

  #destroyAll(): void {
    for (const connection of this.#connections) connection.destroy();
    for (const transport of this.#transports) transport.destroy();
  }

  /** One timer for all connections: a timer for each request would cost more than most requests. */
  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#connections) {
      if (now >= connection.deadline) connection.expire();
    }
  }

  /** Short enough that no timeout is overrun by more than a quarter. */
  #sweepInterval(): number {
    const { headersTimeout, requestTimeout, keepAliveTimeout } = this.limits;
    const set = [headersTimeout, requestTimeout, keepAliveTimeout].filter((limit) => limit > 0);
    return Math.max(10, Math.min(1000, ...set.map((limit) => limit / 4)));
  }
}
