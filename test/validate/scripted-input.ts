import type { InputStream } from '@wsgi/core';

/** A request's body that is at hand; or, of a broken server, one that gives the same answer whatever is asked. */
export class ScriptedInput implements InputStream {
  #rest: Buffer;
  readonly #answer: { value: unknown } | undefined;

  constructor(data: string, answer?: { value: unknown }) {
    this.#rest = Buffer.from(data, 'latin1');
    this.#answer = answer;
  }

  async read(size = -1): Promise<Uint8Array> {
    return this.#take(size < 0 ? this.#rest.length : size);
  }

  async readline(size = -1): Promise<Uint8Array> {
    const end = this.#rest.indexOf('\n') + 1 || this.#rest.length;
    return this.#take(size < 0 ? end : Math.min(size, end));
  }

  async readlines(): Promise<Uint8Array[]> {
    const lines: Uint8Array[] = [];
    for await (const line of this) lines.push(line);
    return this.#answered(lines);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    while (this.#rest.length > 0) yield this.readline();
  }

  #take(size: number): Uint8Array {
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return this.#answered(taken);
  }

  #answered<T>(right: T): T {
    // A wrong type is the point of it.
    return this.#answer ? (this.#answer.value as T) : right;
  }
}
