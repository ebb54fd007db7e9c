import { type ByteSource, ClientDisconnectedError } from '@wsgi/core/handlers';
import type { RequestEvent, RequestParser } from './parser/index.js';

/** What a {@link RequestBody} asks of its connection. */
export interface BodyTransport {
  /** Told that bytes were taken, or that more are wanted; {@link RequestBody.wake} is to be called when some have come. */
  resume(): void;
  /** Tells the client that its body is wanted (RFC 9110 section 10.1.1). */
  sendContinue(): void;
}

/** The body of one request, pulled out of the connection's parser. */
export class RequestBody implements ByteSource {
  readonly #parser: RequestParser;
  readonly #transport: BodyTransport;
  #awaitsContinue: boolean;
  #ended = false;
  #released = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(request: RequestEvent, parser: RequestParser, transport: BodyTransport) {
    this.#parser = parser;
    this.#transport = transport;
    this.#awaitsContinue = request.expectContinue;
  }

  /** Whether the body has been taken off the connection whole. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether a read waits for the client. */
  get isWaiting(): boolean {
    return this.#wake !== undefined;
  }

  /**
   * Whether another request can follow: not when this body is broken, nor when nobody can tell whether it will
   * come at all, because the client waits for a word that it will not get.
   */
  get canBeFollowed(): boolean {
    return this.#ended || (!this.#awaitsContinue && this.#failure === undefined);
  }

  pull(): Uint8Array | null | Promise<Uint8Array | null> {
    if (this.#ended || this.#released) return null;
    if (this.#failure !== undefined) throw this.#failure;
    const data = this.#next();
    if (data !== undefined) {
      this.#awaitsContinue = false;
      return data;
    }
    const arrival = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (this.#awaitsContinue) this.#transport.sendContinue();
    this.#awaitsContinue = false;
    this.#transport.resume();
    return arrival.then(() => this.pull());
  }

  /** Takes what has come and drops it: how many bytes that was. */
  drop(): number {
    let dropped = 0;
    for (let data = this.#next(); data; data = this.#next()) dropped += data.length;
    return dropped;
  }

  /** To be called when bytes have come. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Gives nothing more to reads: what is left is to be dropped. */
  release(): void {
    this.#released = true;
    this.wake();
  }

  /** Lets this read and all later ones fail; by default because the client has gone. */
  fail(error: Error = new ClientDisconnectedError()): void {
    this.#failure ??= error;
    this.wake();
  }

  /** The next bytes; `null` at the end, undefined when more must come first. */
  #next(): Buffer | null | undefined {
    if (this.#ended) return null;
    const event = this.#nextEvent();
    if (event === null) return undefined;
    // Also when nothing more is asked for: a connection that is not read does not tell of its end.
    this.#transport.resume();
    if (event.type === 'data') return event.data;
    this.#ended = true;
    return null;
  }

  #nextEvent(): ReturnType<RequestParser['next']> {
    try {
      return this.#parser.next();
    } catch (error) {
      if (error instanceof Error) this.#failure ??= error;
      throw error;
    }
  }
}
