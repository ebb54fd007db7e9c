import type { Socket } from 'node:net';
import { bytesToNative } from '@wsgi/core/handlers';
import { resetConnection } from '@wsgi/core/node';
import type { ServerOutput } from './server-handler.js';

/**
 * Bytes up to this many travel as text with what goes before them, so that a small response is one write: to
 * copy them costs less than to hand the system two pieces.
 */
const SMALL = 4096;

/** How many bytes of whole responses may be held: more are copied for nothing. */
const MOST_HELD = 16 * 1024;

/**
 * The writing side of a connection. What is written is held until `flush`, and leaves in one piece; responses that
 * are whole may be held together.
 */
export class Output implements ServerOutput {
  /** Whether the connection serves on after the response at hand; settled when its head is written. */
  keepAlive = true;
  /** Whether the client speaks HTTP/1.0, and so must be told that the connection is kept. */
  isOld = false;
  /** Whether anything of the response at hand has been written. */
  begun = false;
  /** Whether the client can tell where the body of the response at hand ends, but for the connection's end. */
  #isDelimited = true;
  /** Whether the response at hand has been written to its end. */
  #isWhole = false;
  readonly #socket: Socket;
  readonly #timeout: number;
  readonly #persists: () => boolean;
  readonly #close: () => void;
  #held = '';
  #isCorked = false;
  #drained: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  /** What {@link pendingBelow} gave when the time last ran out. */
  #pendingBelow: number | undefined;

  /**
   * @param timeout - milliseconds without progress after which a client that does not read is cut off.
   * @param persists - asked when a head is written: whether the connection may serve on after it.
   * @param close - closes the connection in order, behind what was written.
   */
  constructor(socket: Socket, timeout: number, persists: () => boolean, close: () => void) {
    this.#socket = socket;
    this.#timeout = timeout;
    this.#persists = persists;
    this.#close = close;
    // Bytes that do not leave are the client's doing; without any, it is the application that takes its time.
    socket.on('timeout', () => {
      if (this.isPending && !this.#hasLeftBelow()) this.abandon();
    });
    const wake = (): void => this.#wake?.();
    // No 'drain' comes once the end has been written.
    socket.on('drain', wake).on('finish', wake).on('close', wake);
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  /** Makes ready for the next response. */
  begin(isOld: boolean): void {
    this.keepAlive = true;
    this.isOld = isOld;
    this.begun = false;
    this.#isDelimited = true;
    this.#isWhole = false;
  }

  writeText(text: string): void {
    this.begun = true;
    this.#held += text;
  }

  write(data: Uint8Array): void {
    if (data.length <= SMALL) {
      this.writeText(bytesToNative(data));
      return;
    }
    if (this.#socket.destroyed) return;
    this.#cork();
    this.#writeHeld();
    this.#socket.write(data);
  }

  flush(): void | Promise<void> {
    this.#writeHeld();
    if (this.#isCorked) this.#socket.uncork();
    this.#isCorked = false;
    // Not for 'drain' alone: that comes even where the system has taken all at once.
    return this.isPending && this.#socket.writableNeedDrain ? this.drained() : undefined;
  }

  /**
   * What is small is held on where the connection serves on. Where it does not, it ends with the response: a client
   * may wait for that end, and shall not wait for an application that tidies up.
   */
  endResponse(): void {
    this.#isWhole = true;
    if (!this.keepAlive || this.#isCorked || this.#held.length > MOST_HELD) this.flush();
    if (!this.keepAlive) this.#socket.end();
  }

  /**
   * Cuts the response off. Where its framing tells the client so, the connection closes in order: to close it on
   * unread bytes could cost the client whole answers before this one (RFC 9112 section 9.6).
   */
  destroy(): void {
    if (!this.wouldPassForWhole) {
      this.#close();
      return;
    }
    this.flush();
    resetConnection(this.#socket);
  }

  /** Ends the connection at once; what has not left is lost. A part of a response must not look like the whole. */
  abandon(): void {
    this.flush();
    const isLeft = this.isPending || !this.#isWhole;
    if (this.#endsWithConnection && isLeft) resetConnection(this.#socket);
    else this.#socket.destroy();
  }

  /** Whether an orderly end of the connection would make a whole response of the part that has been written. */
  get wouldPassForWhole(): boolean {
    return this.#endsWithConnection && !this.#isWhole;
  }

  /** Whether only the connection's end tells where the body of the response at hand ends. */
  get #endsWithConnection(): boolean {
    return this.begun && !this.#isDelimited;
  }

  connectionField(isDelimited: boolean): string {
    this.#isDelimited = isDelimited;
    this.keepAlive = isDelimited && this.#persists();
    if (!this.keepAlive) return 'Connection: close\r\n';
    return this.isOld ? 'Connection: keep-alive\r\n' : '';
  }

  /** Whether something that was written waits for `flush`. */
  get isHolding(): boolean {
    return this.#held !== '';
  }

  /** Whether something that was written has not left for the system. */
  get isPending(): boolean {
    return this.#socket.writableLength > 0;
  }

  get releasesBytes(): boolean {
    return !this.isPending;
  }

  /** Resolves when all that was written has left for the system, or the connection has closed. */
  drained(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      const wake = (): void => {
        this.#drained = undefined;
        resolve();
      };
      this.#wake = wake;
      this.#watch();
    });
    return this.#drained;
  }

  /** Whether bytes have left from below TLS since this was asked; the time then begins anew. */
  #hasLeftBelow(): boolean {
    const pending = pendingBelow(this.#socket);
    if (pending === this.#pendingBelow) return false;
    this.#pendingBelow = pending;
    this.#socket.setTimeout(this.#timeout);
    return true;
  }

  #watch(): void {
    const socket = this.#socket;
    if (socket.destroyed) {
      this.#wake?.();
      return;
    }
    // Set once: each byte that is written or has left starts it anew. After a TLS handshake it is 0, and not undefined.
    if (!socket.timeout) socket.setTimeout(this.#timeout);
    // The callback comes after what was written before; with an error when the connection is destroyed. Nothing can be
    // written behind the end, which 'finish' tells of.
    if (!socket.writableNeedDrain && !socket.writableEnded) socket.write('', () => this.#wake?.());
  }

  /** A chunk, and what stands around it, goes to the system in one piece. */
  #cork(): void {
    if (!this.#isCorked) this.#socket.cork();
    this.#isCorked = true;
  }

  #writeHeld(): void {
    const text = this.#held;
    this.#held = '';
    if (text !== '' && !this.#socket.destroyed) this.#socket.write(text, 'latin1');
  }
}

/**
 * Bytes that TLS has handed to the socket below it and that have not left yet; undefined without TLS, where Node sees
 * for itself what leaves. Through TLS it sees no progress until a whole chunk has left, so that a large one looks stuck
 * however steadily a client takes it. The handle is no documented property; undefined where there is none.
 */
function pendingBelow(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  const below: unknown = isObject(handle) ? Reflect.get(handle, '_parent') : undefined;
  const size: unknown = isObject(below) ? Reflect.get(below, 'writeQueueSize') : undefined;
  return typeof size === 'number' ? size : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
