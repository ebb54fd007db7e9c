/** What was lost in each fault: nothing. Printed when a file of tests is over. */
import { afterAll, expect } from 'vitest';

const faults = new Map<string, Map<string, number>>();

/**
 * Enters the counts of one fault under one host; `lost` must be 0. Those of all hosts are summed up in one line.
 */
export function enter(
  fault: string,
  counts: Readonly<Record<string, number>> & { lost: number },
): void {
  const sums = faults.get(fault) ?? new Map<string, number>();
  for (const [what, count] of Object.entries(counts)) sums.set(what, (sums.get(what) ?? 0) + count);
  faults.set(fault, sums);
  expect(counts.lost, `${fault}: ${JSON.stringify(counts)}`).toBe(0);
}

/** To be called once in a file of tests that enters anything. */
export function printLedger(): void {
  afterAll(() => {
    for (const [fault, sums] of faults) {
      const { lost, ...rest } = Object.fromEntries(sums);
      const told = Object.entries(rest).map(([what, count]) => `${count} ${what}`);
      console.log(`${fault}: ${told.join(', ')}; lost: ${lost === 0 ? 'nothing' : lost}`);
    }
  });
}
