/**
 * Generated applications meet generated clients, on every host.
 *
 * By default a bounded number of pairs from a fixed list of seeds; `npm run torture -- --help` says how to have more.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientPlan } from './client.ts';
import { playedHosts as hosts } from './hosts.ts';
import { Arena } from './torture.ts';

/** The seeds of a bounded run; each plays its share of the pairs. */
const SEEDS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];
const pairs = Number(process.env.TORTURE_PAIRS ?? 60);
const minutes = Number(process.env.TORTURE_MINUTES ?? 0);
const only = process.env.TORTURE_HOST;
const replay = process.env.TORTURE_REPLAY;
const chosen = hosts.filter(({ name }) => only === undefined || name === only);

it('tortures every host that the command can name', () => {
  const named = readFileSync(new URL('./host-names.json', import.meta.url), 'utf8');
  expect(hosts.map(({ name }) => name)).toEqual(JSON.parse(named));
});

const residentMiB = (): number => Math.round(process.memoryUsage.rss() / 2 ** 20);

describe.each(chosen)('$name', (host) => {
  let arena: Arena;
  let began: number;
  let memory: number;
  beforeAll(async () => {
    began = performance.now();
    arena = new Arena(host);
    await arena.open();
    memory = residentMiB();
  });
  afterAll(async () => {
    await arena.close();
    const seconds = (performance.now() - began) / 1000;
    const rate = (arena.played / seconds).toFixed(0);
    const pace = `${arena.played} pairs in ${seconds.toFixed(0)} s, ${rate} a second`;
    console.log(`${host.name}: ${pace}; ${memory} MiB at first, ${residentMiB()} MiB at last`);
  });

  const torture = (seed: number, numRuns: number) =>
    fc.assert(
      fc.asyncProperty(clientPlan, (plan) => arena.play(plan)),
      { seed, numRuns, endOnFailure: process.env.TORTURE_RAW !== undefined },
    );

  if (replay !== undefined) {
    it(`holds for ${replay}`, () => {
      const [seed = '', path = ''] = replay.split(' ');
      const [plan] = fc.sample(clientPlan, { seed: Number(seed), path, numRuns: 1 });
      if (plan === undefined) throw new Error(`no pair stands at ${replay}`);
      return arena.play(plan);
    });
  } else if (minutes > 0) {
    it(`holds for ${minutes} minutes of pairs from fresh seeds`, { timeout: 0 }, async () => {
      const end = Date.now() + (minutes * 60_000) / chosen.length;
      for (let seed = Date.now() % 2 ** 31; Date.now() < end; seed += 1) await torture(seed, 100);
    });
  } else {
    it.each(SEEDS)('holds for pairs from seed %d', { timeout: 0 }, (seed) =>
      torture(seed, Math.ceil(pairs / SEEDS.length)),
    );
  }
});
