import { ClientDisconnectedError } from '../errors.js';
import type { ByteSource } from './input.js';

/**
 * Exactly `length` bytes of another source, and then the end: what is behind them is not asked for.
 *
 * A source that ends before them was cut short by the client.
 *
 * Source: RFC 3875 section 4.2, "the script MUST NOT attempt to read more than CONTENT_LENGTH bytes".
 */
export class LengthSource implements ByteSource {
  readonly #source: ByteSource;
  #left: number;

  constructor(source: ByteSource, length: number) {
    this.#source = source;
    this.#left = length;
  }

  pull(): Uint8Array | null | Promise<Uint8Array | null> {
    if (this.#left === 0) return null;
    const pulled = this.#source.pull();
    return pulled instanceof Promise
      ? pulled.then((chunk) => this.#admit(chunk))
      : this.#admit(pulled);
  }

  #admit(chunk: Uint8Array | null): Uint8Array {
    if (chunk === null) {
      throw new ClientDisconnectedError(
        `the client closed the connection ${this.#left} bytes before the end of its body`,
      );
    }
    const part = chunk.subarray(0, this.#left);
    this.#left -= part.length;
    return part;
  }
}
