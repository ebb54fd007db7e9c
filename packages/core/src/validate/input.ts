import { handled } from '../handlers/promise.js';
import { show } from '../show.js';
import type { InputStream } from '../types.js';
import type { Exchange } from './exchange.js';
import { ReceivedBytes } from './received-bytes.js';
import { checkArguments, violation } from './report.js';

/**
 * `wsgi.input`, checked as it is used: how the application calls it, and what the server answers. It has the
 * contract's methods, so that an application which needs more than every server gives finds out here; and `read1`
 * where the input has it, for `readChunks`: a client may wait for an answer to what it has sent so far.
 *
 * wsgiref refuses `read()` without a size, which blocks for ever on a socket. Here it is good: the input always
 * ends (`wsgi.input_terminated`), and waiting blocks nobody else.
 *
 * As with the servers' own, a promise that nobody awaits never becomes an unhandled rejection.
 *
 * Source: PEP 3333, "Input and Error Streams".
 */
export class ValidatedInput implements InputStream {
  readonly #exchange: Exchange;
  readonly #input: InputStream;
  readonly #received: ReceivedBytes;
  declare readonly read1?: (...args: [size?: number]) => Promise<Uint8Array>;

  /** @param contentLength - the request's CONTENT_LENGTH, if it has one. */
  constructor(exchange: Exchange, input: InputStream, contentLength: unknown) {
    this.#exchange = exchange;
    this.#input = input;
    this.#received = new ReceivedBytes(exchange.caller, contentLength);
    if (canReadSome(input)) this.read1 = (...args) => handled(this.#readSome(input, args));
  }

  read(...args: [size?: number]): Promise<Uint8Array> {
    return handled(this.#read(args));
  }

  readline(...args: [size?: number]): Promise<Uint8Array> {
    return handled(this.#readLine(args));
  }

  readlines(...args: [hint?: number]): Promise<Uint8Array[]> {
    return handled(this.#readLines(args));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    this.#checkOpen('iterated');
    for await (const line of this.#input) {
      yield this.#received.checkLine(line, -1, 'iterating wsgi.input');
      this.#checkOpen('iterated');
    }
  }

  /** The stream is the server's, who may have a use for the connection yet. */
  close(): never {
    throw violation(this.#exchange.answerer, 'input.close() must not be called', SECTION);
  }

  async #read(args: [size?: number]): Promise<Uint8Array> {
    this.#checkCall('read', args);
    const data = await this.#answer('read', this.#input.read(...args));
    return this.#received.checkRead(data, args[0]);
  }

  async #readSome(input: ArrivedInput, args: [size?: number]): Promise<Uint8Array> {
    this.#checkCall('read1', args);
    const data = await this.#answer('read1', input.read1(...args));
    return this.#received.checkSome(data, args[0]);
  }

  async #readLine(args: [size?: number]): Promise<Uint8Array> {
    this.#checkCall('readline', args);
    const line = await this.#answer('readline', this.#input.readline(...args));
    return this.#received.checkLine(line, args[0]);
  }

  async #readLines(args: [hint?: number]): Promise<Uint8Array[]> {
    this.#checkCall('readlines', args);
    const lines = await this.#answer('readlines', this.#input.readlines(...args));
    return this.#received.checkLines(lines);
  }

  #checkCall(method: string, args: readonly unknown[]): void {
    const call = `input.${method}()`;
    checkArguments(this.#exchange.answerer, call, args, 0, 1, SECTION);
    const [size] = args;
    if (size !== undefined && !Number.isSafeInteger(size)) {
      const rule = `${call} takes a whole number of bytes, not ${show(size)}`;
      throw violation(this.#exchange.answerer, rule, SECTION, size);
    }
    this.#checkOpen(call);
  }

  #checkOpen(use: string): void {
    if (!this.#exchange.over || this.#exchange.cutShort) return;
    const rule = `wsgi.input was read (${use}) after the response had ended`;
    throw violation(this.#exchange.answerer, rule, SECTION);
  }

  // An application may call `then` on the answer, so a value that only `await` takes is not enough.
  #answer<Value>(method: string, answer: Promise<Value>): Promise<Value> {
    if (typeof Object(answer).then === 'function') return answer;
    const rule = `input.${method}() must return a promise, not ${show(answer)}`;
    throw violation(this.#exchange.caller, rule, SECTION, answer);
  }
}

/** An input that can give what has arrived, as the servers' own can. */
interface ArrivedInput {
  read1(size?: number): Promise<Uint8Array>;
}

function canReadSome(input: object): input is ArrivedInput {
  return 'read1' in input && typeof input.read1 === 'function';
}

const SECTION = 'Input and Error Streams';
