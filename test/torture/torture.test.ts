/**
 * Generated applications meet generated clients, on every host.
 *
 * By default a bounded number of pairs from a fixed list of seeds; `pnpm torture --help` says how to have more.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { clientPlan } from './client.ts';
import { hosts } from './hosts.ts';
import { Arena } from './torture.ts';

/** The seeds of a bounded run; each plays its share of the pairs. */
const SEEDS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];
const pairs = Number(process.env.TORTURE_PAIRS ?? 60);
const minutes = Number(process.env.TORTURE_MINUTES ?? 0);
const only = process.env.TORTURE_HOST;
const replay = process.env.TORTURE_REPLAY;
const chosen = hosts.filter(({ name }) => only === undefined || name === only);

describe.each(chosen)('$name', (host) => {
  let arena: Arena;
  beforeAll(async () => {
    arena = new Arena(host);
    await arena.open();
  });
  afterAll(() => arena.close());

  const torture = (seed: number, numRuns: number, more: fc.Parameters<[never]> = {}) =>
    fc.assert(
      fc.asyncProperty(clientPlan, (plan) => arena.play(plan)),
      { ...(more as object), seed, numRuns, endOnFailure: process.env.TORTURE_RAW !== undefined },
    );

  if (replay !== undefined) {
    it(`holds for ${replay}`, () => {
      const [seed = '', path = ''] = replay.split(' ');
      return torture(Number(seed), 1, { path });
    });
  } else if (minutes > 0) {
    it(`holds for ${minutes} minutes of pairs from fresh seeds`, { timeout: 0 }, async () => {
      const end = Date.now() + (minutes * 60_000) / chosen.length;
      let played = 0;
      for (let seed = Date.now() % 2 ** 31; Date.now() < end; seed += 1, played += 100) {
        await torture(seed, 100);
      }
      console.log(`${host.name}: ${played} pairs`);
    });
  } else {
    it.each(SEEDS)('holds for pairs from seed %d', { timeout: 0 }, (seed) =>
      torture(seed, Math.ceil(pairs / SEEDS.length)),
    );
  }
});
