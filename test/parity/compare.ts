/** Comparing an operation here with CPython's, over many cases. */
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { DifferenceId } from './differences.ts';
import type { Outcome, Python } from './python.ts';

/** An operation that exists on both sides. `Case` goes to Python as JSON. */
export interface Subject<Case> {
  /** The operation's name in helper.py. */
  readonly op: string;
  readonly cases: fc.Arbitrary<Case>;
  /** The operation here; its result as JSON is compared. */
  here(input: Case): unknown;
  /** The row by which the outcomes of a case differ on purpose; undefined when they should not. */
  row?(input: Case, theirs: Outcome, ours: Outcome): DifferenceId | undefined;
}

/** Fixed, so that a failure comes again; another one in PARITY_SEED looks further. */
const SEED = Number(process.env['PARITY_SEED'] ?? 3333);
const CASES = Number(process.env['PARITY_CASES'] ?? 2000);

/** Compares {@link CASES} generated cases and says how it went; fails on a difference that no row names. */
export async function compareMany<Case>(python: Python, subject: Subject<Case>): Promise<void> {
  const cases = fc.sample(subject.cases, { numRuns: CASES, seed: SEED });
  const theirs = await python.ask(subject.op, cases);
  const byRow = new Map<DifferenceId, number>();
  const defects: unknown[] = [];
  let refused = 0;
  for (const [index, input] of cases.entries()) {
    if ('error' in (theirs[index] ?? {})) refused += 1;
    const difference = judge(subject, input, theirs[index], await outcomeHere(subject, input));
    if (typeof difference === 'string') byRow.set(difference, (byRow.get(difference) ?? 0) + 1);
    else if (difference !== undefined) defects.push(difference);
  }
  const rows = [...byRow].map(([id, count]) => `; ${count} differ by ${id}`).join('');
  console.log(
    `parity of ${subject.op}: ${cases.length} cases compared, ${refused} refused by CPython${rows}`,
  );
  expect(defects.slice(0, 5), `${defects.length} cases differ and no row says why`).toEqual([]);
}

/** The row by which this one case differs; undefined when it does not. Fails when it differs otherwise. */
export async function compareOne<Case>(
  python: Python,
  subject: Subject<Case>,
  input: Case,
): Promise<DifferenceId | undefined> {
  const [theirs] = await python.ask(subject.op, [input]);
  const difference = judge(subject, input, theirs, await outcomeHere(subject, input));
  if (typeof difference === 'object') expect(difference).toBeUndefined();
  return typeof difference === 'string' ? difference : undefined;
}

/** Whether two outcomes are the same: errors are, whatever they say. */
function sameOutcome(a: Outcome, b: Outcome): boolean {
  if ('error' in a || 'error' in b) return 'error' in a && 'error' in b;
  return isDeepStrictEqual(a.value, b.value);
}

/** What comes of running something here, as JSON would carry it. */
export async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { value: JSON.parse(JSON.stringify((await run()) ?? null)) };
  } catch (error) {
    return { error: String(error) };
  }
}

interface Defect {
  input: unknown;
  theirs: Outcome;
  ours: Outcome;
}

function judge<Case>(
  subject: Subject<Case>,
  input: Case,
  theirs: Outcome | undefined,
  ours: Outcome,
): DifferenceId | Defect | undefined {
  if (theirs === undefined) throw new Error(`helper.py left a case of ${subject.op} out`);
  if (sameOutcome(theirs, ours)) return undefined;
  return subject.row?.(input, theirs, ours) ?? { input, theirs, ours };
}

function outcomeHere<Case>(subject: Subject<Case>, input: Case): Promise<Outcome> {
  // A case is changed by some operations; Python has its own copy as well.
  return outcomeOf(() => subject.here(structuredClone(input)));
}
