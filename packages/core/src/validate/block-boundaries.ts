import type { AssertionError } from 'node:assert';
import { violation } from './report.js';

/**
 * Middleware yields at least once for each time that the application within yields, an empty chunk if need be, so
 * that a server can always take its turn. Seen by the validators on both sides of the middleware.
 *
 * Each application within is counted by itself: middleware may ask several, one after the other. A chunk that
 * is read ahead, before the chunk it follows has been passed on, counts as one that is held back.
 *
 * Source: PEP 3333, "Middleware Handling of Block Boundaries".
 */
export class BlockBoundaries {
  readonly #outer: BlockBoundaries | undefined;
  #yields = 0;
  /** How many the body around had yielded when this one yielded last. */
  #outerYieldsThen = -1;
  /** How many this body had yielded when one within it yielded last. */
  #yieldsAtInner = -1;
  /** What the middleware was told within; it is told again around it, should it have caught the first. */
  #broken: AssertionError | undefined;

  constructor(outer: BlockBoundaries | undefined) {
    this.#outer = outer;
  }

  /** Counts a chunk, and checks that the chunk before it was answered. */
  countYield(): void {
    this.#checkBroken();
    this.#yields++;
    const outer = this.#outer;
    if (!outer) return;
    if (outer.#yields === this.#outerYieldsThen) {
      const rule =
        'the application yielded two chunks before the middleware yielded one; yield an empty chunk for each that is held back';
      outer.#broken = violation('middleware', rule, SECTION);
      throw outer.#broken;
    }
    this.#outerYieldsThen = outer.#yields;
    outer.#yieldsAtInner = outer.#yields;
  }

  /** Checks that the last chunk from within was answered, too. */
  checkEnd(): void {
    this.#checkBroken();
    if (this.#yieldsAtInner !== this.#yields) return;
    const rule =
      "the middleware ended without a chunk for the application's last one; yield an empty chunk for each that is held back";
    throw violation('middleware', rule, SECTION);
  }

  #checkBroken(): void {
    if (this.#broken) throw this.#broken;
  }
}

const SECTION = 'Middleware Handling of Block Boundaries';
