import { isDisconnect } from '../errors.js';
import type { ErrorStream, InputStream } from '../types.js';
import { BaseHandler } from './base.js';
import { handled, isPromise } from './promise.js';
import { nextTurn } from './turn-share.js';

/** Where a {@link SimpleHandler} writes: a Node `Writable`, or anything like it. */
export interface OutputStream {
  /** Takes bytes. `false` means: full, wait for `'drain'`; a promise is waited for. */
  write(data: Uint8Array): unknown;
  once?(event: 'drain' | 'close', listener: () => void): unknown;
  off?(event: 'drain' | 'close', listener: () => void): unknown;
  readonly destroyed?: boolean;
  destroy?(): unknown;
  flush?(): void | Promise<void>;
}

/**
 * A handler that is given its streams and its environ: wsgiref's `SimpleHandler`.
 *
 * It writes a whole HTTP response, status line and all, to `stdout`.
 *
 * @example
 * ```ts
 * const handler = new SimpleHandler(input, socket, errors, environ);
 * await handler.run(app);
 * ```
 */
export class SimpleHandler extends BaseHandler {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: ErrorStream;
  readonly baseEnv: Readonly<Record<string, unknown>>;
  #drained: Promise<void> | undefined;
  /** All that the output has promised and not done yet, since not every write is awaited by itself. */
  #pending: Promise<void> | undefined;

  constructor(
    stdin: InputStream,
    stdout: OutputStream,
    stderr: ErrorStream,
    environ: Readonly<Record<string, unknown>>,
    multithread = false,
    multiprocess = false,
  ) {
    super();
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.baseEnv = environ;
    this.wsgiMultithread = multithread;
    this.wsgiMultiprocess = multiprocess;
  }

  override getStdin(): InputStream {
    return this.stdin;
  }

  override getStderr(): ErrorStream {
    return this.stderr;
  }

  override addCgiVars(): void {
    Object.assign(this.environ, this.baseEnv);
  }

  override _write(data: Uint8Array): void | Promise<void> {
    const { stdout } = this;
    try {
      const answer = stdout.write(data);
      if (isPromise(answer)) return this.#settle(answer);
      if (answer !== false) return undefined;
    } catch (error) {
      return this.#failed(error);
    }
    // A body that never lets the event loop turn would keep the stream's 'close' from being emitted.
    if (stdout.destroyed === true) return this.handleDisconnect();
    this.#drained ??= this.#untilDrained();
    return this.#drained;
  }

  /** Waits for what the output has promised, and for all that it had promised before. */
  #settle(promised: PromiseLike<unknown>): Promise<void> {
    const pending = handled(
      Promise.all([this.#pending, promised]).then(
        () => {
          if (this.#pending === pending) this.#pending = undefined;
        },
        (error) => this.#failed(error),
      ),
    );
    this.#pending = pending;
    return pending;
  }

  /**
   * Waits until a stream that said "full" has room again, or has closed. All writes wait for the same: a pair of
   * listeners for each, and many a stream warns of a leak.
   */
  #untilDrained(): Promise<void> | undefined {
    const { stdout } = this;
    if (stdout.once === undefined) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        stdout.off?.('drain', done);
        stdout.off?.('close', done);
        this.#drained = undefined;
        resolve();
      };
      stdout.once?.('drain', done);
      stdout.once?.('close', done);
    });
  }

  /** A synchronous transport tells that the client has gone by a failing write or flush, as wsgiref's `run` knows. */
  #failed(error: unknown): void {
    if (!isDisconnect(error)) throw error;
    this.handleDisconnect();
  }

  override _flush(): void | Promise<void> {
    try {
      const flushed = this.stdout.flush?.();
      return isPromise(flushed) ? this.#settle(flushed) : undefined;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Only where the output is a stream, which takes bytes with the help of the event loop. */
  override _pause(): void | Promise<void> {
    return this.stdout.once === undefined ? undefined : nextTurn();
  }

  override _end(): void | Promise<void> {
    return this._flush() ?? this.#pending;
  }

  override _abort(): void {
    this.stdout.destroy?.();
  }
}
