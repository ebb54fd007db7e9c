/** What several may wait at together, again and again: for room in a stream, say. */
export class Gate {
  #opened: Promise<void> | undefined;
  #open: (() => void) | undefined;

  /** Resolves when the gate is opened next. */
  wait(): Promise<void> {
    this.#opened ??= new Promise((resolve) => {
      this.#open = resolve;
    });
    return this.#opened;
  }

  /** Lets all who wait go on. Whoever comes later waits anew. */
  open(): void {
    this.#opened = undefined;
    this.#open?.();
  }
}
