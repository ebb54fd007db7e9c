import { show } from '../show.js';
import type { ErrorStream } from '../types.js';
import type { Exchange } from './exchange.js';
import { checkArguments, violation } from './report.js';

/**
 * `wsgi.errors`, checked as it is used. It has the contract's methods alone, so that an application which needs
 * more than every server gives finds out here.
 *
 * Source: PEP 3333, "Input and Error Streams".
 */
export class ValidatedErrors implements ErrorStream {
  readonly #exchange: Exchange;
  readonly #errors: ErrorStream;

  constructor(exchange: Exchange, errors: ErrorStream) {
    this.#exchange = exchange;
    this.#errors = errors;
  }

  /**
   * The exchange whose application was given this stream: how a validator finds the one around it. Middleware
   * that replaces `wsgi.errors` hides it, and is not checked.
   */
  static exchangeOf(errors: unknown): Exchange | undefined {
    return typeof errors === 'object' && errors !== null && #exchange in errors
      ? errors.#exchange
      : undefined;
  }

  write(...args: [text: string]): void {
    this.#checkArguments('write', args, 1);
    this.#checkText('errors.write() takes a string', args[0]);
    this.#errors.write(...args);
  }

  writelines(...args: [lines: Iterable<string>]): void {
    this.#checkArguments('writelines', args, 1);
    const [given] = args;
    // A string is an iterable of strings by accident.
    if (typeof given === 'string' || typeof Object(given)[Symbol.iterator] !== 'function') {
      const rule = `errors.writelines() takes an iterable of strings, not ${show(given)}`;
      throw violation(this.#exchange.answerer, rule, SECTION, given);
    }
    const lines = Array.from(given);
    for (const line of lines) this.#checkText('errors.writelines() takes strings', line);
    this.#errors.writelines(lines);
  }

  flush(...args: []): void {
    this.#checkArguments('flush', args, 0);
    this.#errors.flush();
  }

  /** The stream is the server's, and outlives the request. */
  close(): never {
    throw violation(this.#exchange.answerer, 'errors.close() must not be called', SECTION);
  }

  #checkArguments(method: string, args: readonly unknown[], count: number): void {
    checkArguments(this.#exchange.answerer, `errors.${method}()`, args, count, count, SECTION);
  }

  #checkText(rule: string, text: unknown): void {
    if (typeof text === 'string') return;
    throw violation(this.#exchange.answerer, `${rule}, not ${show(text)}`, SECTION, text);
  }
}

const SECTION = 'Input and Error Streams';
