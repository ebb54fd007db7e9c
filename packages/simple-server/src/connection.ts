import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Application } from '@wsgi/core';
import { BodyInput, emptySource, LONGEST_DRAIN, MOST_DRAINED } from '@wsgi/core/handlers';
import { type Holder, HolderInContext, mayHold } from '@wsgi/core/node';
import { NEVER, type ServerLimits, span } from './limits.js';
import { Output } from './output.js';
import { ProtocolError, type RequestEvent, RequestParser } from './parser/index.js';
import { type BodyTransport, RequestBody } from './request-body.js';
import type { HandlerServer, WSGIRequestHandler } from './request-handler.js';
import type { ServerHandler } from './server-handler.js';

/** What a {@link Connection} needs of its server. */
export interface ConnectionServer extends HandlerServer {
  readonly limits: Readonly<ServerLimits>;
  readonly maxBodySize: number;
  /** Whether the server shuts down: connections end after the response at hand. */
  readonly isClosing: boolean;
  /** How many bodies are still closing, though their responses are whole and their connections have closed. */
  tidying: number;
  /** Called for each response that is over: it has left for the system, or is held until this turn ends. */
  answered(): void;
}

/**
 * Where a connection stands.
 *
 * - `reading`: between requests, or in a head.
 * - `running`: the application is at work.
 * - `flushing`: the response is over, and the client has yet to take it.
 * - `dropping`: the response is over, and the rest of the request's body is taken in and dropped.
 * - `closing`: our side is closed, and what still comes is dropped.
 */
type State = 'reading' | 'running' | 'flushing' | 'dropping' | 'closing';

/**
 * How much a client may send ahead while a request is at work. The end of a connection is read behind all that came
 * before it: a client that sends more than this, and is not read, is not seen to leave.
 */
const MOST_AHEAD = 64 * 1024;

/**
 * One client's connection: reads its requests and answers them in their order, one at a time.
 *
 * While a request is at work its connection is read on within a bound, so that a client can neither send ahead
 * without end nor leave unnoticed: see {@link MOST_AHEAD}.
 */
export class Connection implements BodyTransport, Holder {
  /** When {@link expire} is to be called, by `performance.now()`. */
  deadline: number;
  readonly #socket: Socket;
  readonly #server: ConnectionServer;
  readonly #handler: WSGIRequestHandler;
  readonly #parser: RequestParser;
  readonly #output: Output;
  /** The connection's own asynchronous context, in which no request has set anything. */
  readonly #context = new HolderInContext(this);
  /** Whether this is the asynchronous context that Node delivers bytes in, and no request has run in it yet. */
  #isFresh = false;
  #state: State = 'reading';
  #served = 0;
  /** When the connection was ready for the next request. */
  #settledAt = 0;
  /** When the request that is read began, for the first one when the connection did; undefined between them. */
  #since: number | undefined;
  /** Whether {@link sendHeld} will be called in this turn of the event loop. */
  #isDue = false;
  #request: RequestEvent | undefined;
  #running: ServerHandler | undefined;
  #input: BodyInput | undefined;
  #body: RequestBody | undefined;
  #dropped = 0;
  /** Whether the connection has closed, and the body of its last response has not. */
  #isTidying = false;

  constructor(socket: Socket, server: ConnectionServer, handler: WSGIRequestHandler) {
    this.#socket = socket;
    this.#server = server;
    this.#handler = handler;
    this.#parser = new RequestParser({ ...server.limits, maxBodySize: server.maxBodySize });
    const persists = (): boolean => this.#persists();
    this.#output = new Output(socket, server.limits.timeout, persists, () => this.#cut());
    this.#since = performance.now();
    this.deadline = this.#since + this.#headSpan;
    socket.on('end', () => this.#leave());
    socket.on('close', () => this.#abandon());
    // 'close' follows, and says all there is to know.
    socket.on('error', () => {});
  }

  /** Ends the connection after the response at hand; at once when there is none. */
  finish(): void {
    // What is held may leave in part: then it is a response at hand, too.
    if (this.#state === 'reading') this.sendHeld();
    if (this.#state === 'reading' && this.#parser.isIdle) this.destroy();
  }

  destroy(): void {
    this.#output.abandon();
  }

  /** Hands what is held to the system. */
  sendHeld(): void {
    this.#isDue = false;
    this.#output.flush();
    if (this.#state === 'reading' && this.#output.isPending) this.#flush();
  }

  /** To be called when the deadline has passed. */
  expire(): void {
    if (this.#state === 'reading' && !this.#parser.isIdle) {
      this.#refuse(new ProtocolError(408, 'the head of the request took too long'));
    } else if (this.#state !== 'running') {
      this.destroy();
    } else if (this.#body?.isWaiting === true) {
      // Only then is it the client that takes its time: a body that nobody reads does not come.
      this.deadline = NEVER;
      this.#body.fail(new ProtocolError(408, 'the body of the request took too long'));
    }
  }

  /** Takes the first `length` bytes of a chunk, which may be written over when this returns. */
  receive(chunk: Buffer, length: number): void {
    if (this.#state === 'closing') {
      this.#dropped += length;
      if (this.#dropped > MOST_DRAINED) this.destroy();
      return;
    }
    this.#isFresh = true;
    this.#parser.feed(chunk, length);
    this.#take();
    this.#parser.keep();
    this.#isFresh = false;
  }

  /** Reads on, unless too much has come already that nobody has asked for. */
  resume(): void {
    if (this.#state === 'closing') return;
    if (this.#parser.unread <= MOST_AHEAD && this.#socket.isPaused()) this.#socket.resume();
  }

  sendContinue(): void {
    if (this.#output.begun) return;
    this.#output.flush();
    this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  /** Deals with what has come, according to the state. */
  #take(): void {
    if (this.#state === 'dropping') this.#drop();
    if (this.#state === 'reading') this.#serve();
    else if (this.#body?.isWaiting === true) this.#body.wake();
    else if (this.#state !== 'dropping' && this.#parser.unread > MOST_AHEAD) this.#socket.pause();
  }

  /** Answers what has arrived, until a request must be waited for. A loop, so that no pipeline is too long. */
  #serve(): void {
    try {
      while (this.#state === 'reading' && !this.#socket.destroyed) {
        const event = this.#parser.next();
        if (event === null) {
          this.#await();
          return;
        }
        if (event.type !== 'request') continue;
        // What a request sets in an `AsyncLocalStorage` must not be found by the requests after it.
        if (this.#isFresh) this.#start(event);
        else this.#context.runInAsyncScope(this.#start, this, event);
        this.#isFresh = false;
      }
    } catch (error) {
      this.#refuse(error);
    }
  }

  #await(): void {
    const { keepAliveTimeout } = this.#server.limits;
    if (this.#parser.isIdle && this.#served > 0) {
      if (this.#server.isClosing) {
        this.#close();
        return;
      }
      // Not from now on: a client that sends empty lines has not begun a request, and gains no time.
      this.deadline = this.#settledAt + span(keepAliveTimeout);
    } else {
      this.#since ??= performance.now();
      this.deadline = this.#since + this.#headSpan;
    }
    this.resume();
  }

  /** How long a head may take: a part of the request, it may take no longer than the whole. */
  get #headSpan(): number {
    const { headersTimeout, requestTimeout } = this.#server.limits;
    return Math.min(span(headersTimeout), span(requestTimeout));
  }

  #start(request: RequestEvent): void {
    this.#served++;
    this.#request = request;
    this.#handler.requestLine = request.line;
    this.#body = this.#takeBody(request);
    this.#input = new BodyInput(this.#body ?? emptySource, { limit: this.#server.maxBodySize });
    this.#output.begin(request.httpVersion === '1.0');
    const handler = this.#handler.makeHandler(request, this.#input, this.#output);
    this.#run(handler, this.#handler.getApp());
  }

  #takeBody(request: RequestEvent): RequestBody | undefined {
    if (request.bodyLength === 0) {
      this.deadline = NEVER;
      // Nothing but its end is left of this request.
      this.#parser.next();
      return undefined;
    }
    const { requestTimeout } = this.#server.limits;
    this.deadline = (this.#since ?? performance.now()) + span(requestTimeout);
    return new RequestBody(request, this.#parser, this);
  }

  #run(handler: ServerHandler, application: Application): void {
    this.#running = handler;
    this.#state = 'running';
    let running: void | Promise<void>;
    try {
      running = handler.run(application);
    } catch (error) {
      this.#giveUp(error);
      return;
    }
    if (running === undefined) this.#finish();
    else {
      running.then(
        () => {
          this.#finish();
          this.#serve();
        },
        (error) => this.#giveUp(error),
      );
    }
  }

  /** The code of a handler class has failed outside of all error handling: that costs this connection alone. */
  #giveUp(error: unknown): void {
    this.#running = undefined;
    if (this.#isTidying) this.#server.tidying--;
    this.#server.report(error);
    this.#server.answered();
    this.#output.destroy();
  }

  /** Asked when a response's head is written. */
  #persists(): boolean {
    const { limits, isClosing } = this.#server;
    return (
      this.#request?.keepAlive === true &&
      this.#body?.canBeFollowed !== false &&
      this.#input?.tooLarge !== true &&
      !isClosing &&
      (limits.maxRequestsPerSocket === 0 || this.#served < limits.maxRequestsPerSocket)
    );
  }

  /** The response is over: makes ready for the next request, or closes. */
  #finish(): void {
    // Reads fail with what is the matter: the client has gone, or it is the application that is too late.
    if (this.#running?.clientGone !== true) {
      this.#input?.end();
      this.#body?.release();
    }
    this.#running = undefined;
    this.#since = undefined;
    if (this.#isTidying) this.#server.tidying--;
    // Not before it has left: who awaits `handleRequest()` may close the server then.
    if (this.#output.isPending) this.#output.drained().then(() => this.#server.answered());
    else this.#server.answered();
    if (this.#state === 'closing' || this.#socket.destroyed) return;
    if (!this.#output.begun || !this.#output.keepAlive) this.#close();
    else {
      // Dropping what is unread may take long, and the client must not wait that long for its answer.
      if (!this.#isRead) this.#output.flush();
      if (this.#output.isPending) this.#flush();
      else this.#settle();
    }
  }

  /** Whether the request at hand has been read to its end. */
  get #isRead(): boolean {
    return this.#body === undefined || this.#body.ended;
  }

  #flush(): void {
    this.#output.flush();
    this.#state = 'flushing';
    this.deadline = NEVER;
    this.#output.drained().then(() => {
      if (this.#state === 'flushing') this.#settle();
      this.#serve();
    });
  }

  #settle(): void {
    if (!this.#isRead) {
      this.#state = 'dropping';
      this.#dropped = 0;
      this.deadline = performance.now() + LONGEST_DRAIN;
      this.#drop();
      return;
    }
    this.#state = 'reading';
    this.#settledAt = performance.now();
    if (this.#isDue || !this.#output.isHolding) return;
    this.#isDue = mayHold(this.#context, this.#settledAt);
    if (!this.#isDue) this.sendHeld();
  }

  #drop(): void {
    try {
      this.#dropped += this.#body?.drop() ?? 0;
    } catch {
      this.#close();
      return;
    }
    if (this.#body?.ended === true) this.#settle();
    else if (this.#dropped > MOST_DRAINED) this.#close();
    else this.resume();
  }

  /** Answers a request that cannot be served, and closes. */
  #refuse(error: unknown): void {
    this.#request = undefined;
    this.#body = undefined;
    this.#output.begin(false);
    let handler: ServerHandler;
    try {
      this.#handler.requestLine = this.#parser.requestLine ?? '';
      handler = this.#handler.makeErrorHandler(this.#output);
    } catch (second) {
      this.#giveUp(second);
      return;
    }
    this.#run(handler, () => {
      throw error;
    });
  }

  /** Closes our side when all is sent, then drops what still comes: see {@link MOST_DRAINED}. */
  #close(): void {
    const socket = this.#socket;
    this.#output.flush();
    this.#state = 'closing';
    this.#dropped = 0;
    this.deadline = NEVER;
    // Nothing is read meanwhile, or a client could hold the connection by sending what nobody wants.
    socket.pause().setTimeout(this.#server.limits.timeout);
    socket.end(() => {
      this.deadline = performance.now() + LONGEST_DRAIN;
      socket.resume().setTimeout(0);
    });
  }

  /** The response at hand is given up: nothing of its request is read any more. */
  #cut(): void {
    this.#body?.fail();
    if (this.#state !== 'closing') this.#close();
  }

  /** The client has closed its side. As in node:http, it gets what was written, and waits for no more. */
  #leave(): void {
    this.#body?.fail();
    this.#running?.handleDisconnect();
    // What goes on is cut off here, and must not look whole.
    if (this.#state === 'running' && this.#output.wouldPassForWhole) this.#output.destroy();
    else if (this.#state !== 'closing') this.#close();
  }

  /** The connection is gone. */
  #abandon(): void {
    this.#state = 'closing';
    this.#body?.fail();
    this.#running?.handleDisconnect();
    this.#isTidying = this.#running?.clientGone === false;
    if (this.#isTidying) this.#server.tidying++;
  }
}
