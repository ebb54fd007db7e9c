/**
 * A soak: mixed traffic with random faults on every host, and what it costs. TORTURE_SOAK is its time for each host, in
 * seconds: 1, or what `npm run torture -- --soak` was told.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { type Child, type Sample, startHost } from './child.ts';
import { bigFile, soon } from './faults.ts';
import { hosts } from './hosts.ts';
import { Client, FILE_SIZE, Tally } from './soak.ts';

const seconds = Number(process.env.TORTURE_SOAK ?? 1);
const only = process.env.TORTURE_HOST;
const seed = Number(process.env.TORTURE_SEED ?? 42);
const CLIENTS = 8;
/** Times at which all clients stop, so that what is then held is held for nobody. The first is after the warm-up. */
const STOPS = 5;
const MIB = 1024 * 1024;
/** Caches fill up and code is compiled; a leak of one small object for each request is more than this in a minute. */
const GROWTH = 6 * MIB;

/** For a busy machine; a client that waits for ever fails the test. */
const timeout = seconds * 3000 + 60_000;

const report: string[][] = [];

describe.each(hosts.filter(({ name }) => only === undefined || name === only))(
  '$name',
  ({ name }) => {
    it(`keeps no memory and no handle in ${seconds} s of mixed traffic, and loses no good request`, {
      timeout,
    }, async () => {
      const child = await startHost(name, {
        node: ['--expose-gc'],
        env: { TORTURE_FILE: await bigFile(FILE_SIZE) },
      });
      const tally = new Tally();
      await traffic(child, new Tally(), Math.min(1, seconds / 4), seed + STOPS);
      const samples = [await atRest(child)];
      for (let stop = 1; stop < STOPS; stop += 1) {
        await traffic(child, tally, seconds / (STOPS - 1), seed + stop);
        samples.push(await atRest(child, samples[0]?.handles.length));
      }
      const held = samples.map((sample) => sample.held);
      const handles = samples.map((sample) => sample.handles.length);
      const columns = [
        tally.good,
        tally.failed,
        tally.left,
        tally.lost.length + tally.unexpected.length,
        `${tally.latency(0.5).toFixed(1)} / ${tally.latency(0.99).toFixed(1)}`,
        `${middle(held)} (${middle(samples.map(({ rss }) => rss))})`,
        `${handles[0]} / ${handles.at(-1)}`,
      ];
      report.push([name, ...columns.map(String)]);

      expect(tally.lost.slice(samples.at(-1)?.refused)).toEqual([]);
      expect(tally.unexpected).toEqual([]);
      expect(tally.good).toBeGreaterThan(0);
      const [first = 0, ...later] = held;
      expect(Math.min(...later) - first, `memory: ${held.map(mebibytes).join(', ')}`).toBeLessThan(
        GROWTH,
      );
      expect((later.at(-1) ?? 0) - first, `memory: ${held.map(mebibytes).join(', ')}`).toBeLessThan(
        GROWTH,
      );
      expect(samples.at(-1)?.handles).toEqual(samples[0]?.handles);
    });
  },
);

afterAll(() => {
  const titles = ['host', 'good', 'failed as planned', 'left', 'lost or wrong', 'p50 / p99, ms'];
  titles.push('held: start, middle, end, MiB (RSS)', 'handles at start / end');
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...report.map((row) => row[column]?.length ?? 0)),
  );
  const lines = [titles, ...report].map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  );
  console.log([`${seconds} s of mixed traffic each, seed ${seed}`, ...lines].join('\n'));
});

async function traffic(child: Child, tally: Tally, time: number, from: number): Promise<void> {
  const end = Date.now() + time * 1000;
  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    new Client(child.endpoint, tally, from * 1000 + index).run(end),
  );
  await Promise.all(clients);
}

/** What is held when no connection is left, and no more handles than `least`. */
async function atRest(child: Child, least = Number.MAX_VALUE): Promise<Sample> {
  const samples: Sample[] = [];
  await soon(async () => {
    const sample = await child.sample();
    samples.push(sample);
    const isOpen = sample.handles.some((kind) => /^(TCPSocket|TLS)/.test(kind));
    return isOpen ? Number.POSITIVE_INFINITY : sample.handles.length;
  }).toBeLessThanOrEqual(least);
  return samples.at(-1) as Sample;
}

const mebibytes = (bytes: number): string => (bytes / MIB).toFixed(1);

function middle(values: readonly number[]): string {
  const [first = 0] = values;
  const half = values[Math.floor(values.length / 2)] ?? 0;
  return [first, half, values.at(-1) ?? 0].map(mebibytes).join(', ');
}
