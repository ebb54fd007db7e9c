import type { Exchange } from './exchange.js';
import { violation } from './report.js';

type Step = IteratorResult<Uint8Array, unknown>;

const DONE: Step = { done: true, value: undefined };

/** The chunks of a body that is iterated without waiting, each checked as the server gets it. */
export class SyncChunks implements Iterator<Uint8Array, unknown> {
  readonly #exchange: Exchange;
  readonly #source: Iterator<Uint8Array>;

  constructor(exchange: Exchange, source: Iterator<Uint8Array>) {
    this.#exchange = exchange;
    this.#source = source;
  }

  next(): Step {
    const exchange = this.#exchange;
    if (exchange.reading === 'ended') return DONE;
    // A source that ended or threw is at its end; one that broke a rule is not, and has to be left.
    let unfinished = true;
    try {
      exchange.checkAsk();
      unfinished = false;
      exchange.working = true;
      const step = this.#source.next();
      exchange.checkResult(step);
      unfinished = !step.done;
      exchange.checkStep(step);
      return step;
    } catch (error) {
      exchange.leave('failed');
      if (unfinished) quietly(() => this.#source.return?.());
      throw error;
    } finally {
      exchange.working = false;
    }
  }

  return(): Step {
    const exchange = this.#exchange;
    exchange.leave('left');
    this.#source.return?.();
    if (exchange.over) exchange.checkInnerClosed();
    return DONE;
  }
}

/** The chunks of a body that makes its server wait, each checked as the server gets it. */
export class AsyncChunks implements AsyncIterator<Uint8Array, unknown> {
  readonly #exchange: Exchange;
  readonly #source: AsyncIterator<Uint8Array>;

  constructor(exchange: Exchange, source: AsyncIterator<Uint8Array>) {
    this.#exchange = exchange;
    this.#source = source;
  }

  async next(): Promise<Step> {
    const exchange = this.#exchange;
    if (exchange.reading === 'ended') return DONE;
    if (exchange.working) {
      const rule = 'a chunk was asked for before the chunk before it had come';
      throw violation(exchange.caller, rule, 'Buffering and Streaming');
    }
    let unfinished = true;
    try {
      exchange.checkAsk();
      unfinished = false;
      exchange.working = true;
      const step = await this.#source.next();
      exchange.checkResult(step);
      unfinished = !step.done;
      exchange.checkStep(step);
      return step;
    } catch (error) {
      exchange.leave('failed');
      if (unfinished) quietly(() => this.#source.return?.());
      throw error;
    } finally {
      exchange.working = false;
    }
  }

  async return(): Promise<Step> {
    const exchange = this.#exchange;
    exchange.leave('leaving');
    try {
      await this.#source.return?.();
    } finally {
      exchange.leave('left');
    }
    if (exchange.over) exchange.checkInnerClosed();
    return DONE;
  }
}

/** Leaves a source on account of an error, which stands above whatever goes wrong meanwhile. */
async function quietly(leave: () => unknown): Promise<void> {
  try {
    await leave();
  } catch {}
}
