import { show } from '../show.js';
import type { ErrorStream } from '../types.js';

/**
 * `wsgi.errors` over any function that takes text.
 *
 * @example
 * ```ts
 * const errors = new TextErrors((text) => logger.error(text.trimEnd()));
 * ```
 *
 * Source: PEP 3333, "Input and Error Streams".
 */
export class TextErrors implements ErrorStream {
  readonly #sink: (text: string) => void;

  constructor(sink: (text: string) => void) {
    this.#sink = sink;
  }

  write(text: string): void {
    if (typeof text !== 'string') {
      throw new TypeError(`wsgi.errors takes text, not ${show(text)}; decode or format it first`);
    }
    this.#sink(text);
  }

  writelines(lines: Iterable<string>): void {
    for (const line of lines) this.write(line);
  }

  /** Nothing is held back, so there is nothing to flush. */
  flush(): void {}
}

/**
 * The `wsgi.errors` of a host that was given none: the process's standard error.
 *
 * Like `console.error` it takes it quietly when nothing can be written: a full disk under the log, or a pipe whose
 * reader has ended, must not end the server.
 */
export const standardErrors: ErrorStream = new TextErrors((text) => {
  try {
    process.stderr.write(text, expectError);
  } catch {
    // A file may tell at once what a pipe tells later.
  }
});

/** Called before the stream emits the error, which ends a process that does not listen. */
function expectError(error?: Error | null): void {
  if (error == null || process.stderr.listenerCount('error') > 0) return;
  process.stderr.once('error', () => {});
}
