import type { FileInfo } from './storage.js';

/** What happened to a file. */
export type Change =
  | { type: 'created' | 'replaced'; file: FileInfo }
  | { type: 'deleted'; file: Pick<FileInfo, 'name'> };

/** How long a quiet stream stays silent, in milliseconds. Proxies cut connections that say nothing for a minute. */
const HEARTBEAT = 15_000;

/** How many changes wait for a client that reads too slowly before its stream is ended. */
const MAX_WAITING = 1_000;

interface Subscriber {
  send(message: Uint8Array): void;
  end(): void;
}

/** Tells every listening client what changes, as server-sent events (HTML Standard, section 9.2). */
export class ChangeFeed {
  readonly #subscribers = new Set<Subscriber>();
  readonly #heartbeat: number;
  #ended = false;

  /** @param heartbeat - milliseconds of silence before a comment line is sent. */
  constructor(heartbeat = HEARTBEAT) {
    this.#heartbeat = heartbeat;
  }

  /** How many clients listen. */
  get size(): number {
    return this.#subscribers.size;
  }

  publish(change: Change): void {
    const message = Buffer.from(`event: change\ndata: ${JSON.stringify(change)}\n\n`);
    for (const subscriber of this.#subscribers) subscriber.send(message);
  }

  /** Ends every stream, and those that are still to begin. */
  end(): void {
    this.#ended = true;
    for (const subscriber of this.#subscribers) subscriber.end();
  }

  /**
   * The body of one client's response: it lasts until the client has gone or the feed ends.
   *
   * A generator that waits runs no `finally` when its consumer stops: it is the signal that wakes it.
   *
   * @param signal - fires when the client has gone.
   */
  async *listen(signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const waiting: Uint8Array[] = [];
    let ended = this.#ended || signal.aborted;
    let wake = (): void => {};
    const subscriber: Subscriber = {
      send: (message) => {
        if (waiting.length < MAX_WAITING) waiting.push(message);
        // It has missed a change: once it connects anew, it asks for the whole list.
        else ended = true;
        wake();
      },
      end: () => {
        ended = true;
        wake();
      },
    };
    signal.addEventListener('abort', subscriber.end);
    this.#subscribers.add(subscriber);
    try {
      // The first chunk sends the headers, so that the client knows at once that it is connected.
      yield Buffer.from('retry: 1000\n\n');
      while (!ended) {
        const message = waiting.shift();
        if (message !== undefined) {
          yield message;
          continue;
        }
        const quiet = await new Promise<boolean>((resolve) => {
          const timer = setTimeout(() => resolve(true), this.#heartbeat);
          wake = () => {
            clearTimeout(timer);
            resolve(false);
          };
        });
        if (quiet) yield Buffer.from(': still here\n\n');
      }
    } finally {
      this.#subscribers.delete(subscriber);
      signal.removeEventListener('abort', subscriber.end);
    }
  }
}
