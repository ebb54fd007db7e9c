import { ClientDisconnectedError } from '../errors.js';

/**
 * The client, as a response sees it: there, or gone.
 *
 * Everything that waits on behalf of a response waits here, so that it never waits longer than there is someone
 * to wait for.
 */
export class Client {
  #gone = false;
  #controller: AbortController | undefined;
  #wake: (() => void) | undefined;

  /** The client went away before the response was over. */
  get gone(): boolean {
    return this.#gone;
  }

  /** The signal that fires when the client goes; made on first use, so that it costs nothing unused. */
  signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone) this.#controller.abort(new ClientDisconnectedError());
    }
    return this.#controller.signal;
  }

  /** Called once, when the client has gone. */
  leave(): void {
    this.#gone = true;
    this.#controller?.abort(new ClientDisconnectedError());
    this.#wake?.();
  }

  /**
   * Waits for `pending`, but only while the client is there.
   *
   * @param late - takes the error of a promise that is no longer waited for.
   * @returns what `pending` gives, or undefined once the client has gone.
   */
  whileHere<T>(pending: PromiseLike<T>, late: (error: unknown) => void): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      // A named function: `addWsgiVars` in host.ts says what an anonymous one would keep alive.
      const wake = (): void => resolve(undefined);
      this.#wake = wake;
      if (this.#gone) wake();
      pending.then(resolve, (error) => (this.#gone ? late(error) : reject(error)));
    });
  }
}
