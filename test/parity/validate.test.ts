import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CASES } from '../validate/cases/index.ts';
import { play } from '../validate/play.ts';
import { type Case, type Differs, PLAIN, type Scenario } from '../validate/scenario.ts';
import { variantsOf } from '../validate/scripted-application.ts';
import { DIFFERENCES } from './differences.ts';
import { Python, whyNoPython } from './python.ts';

interface Verdict {
  refused: boolean;
  warned: boolean;
}

async function verdictHere(scenario: Scenario): Promise<Verdict> {
  const [variant = 'promised asynchronous'] = variantsOf(scenario);
  const { error, warnings } = await play(scenario, variant);
  return { refused: error !== undefined, warned: warnings.length > 0 };
}

describe.skipIf(whyNoPython !== undefined)(
  `wsgiref.validate here and in CPython ${whyNoPython ?? ''}`,
  () => {
    let python: Python;
    const verdicts = new Map<Case, { here: Verdict; there: unknown }>();

    beforeAll(async () => {
      python = Python.start();
      const scenarios = CASES.map(({ scenario }) => ({
        ...scenario,
        environ: { ...PLAIN, ...scenario.environ },
      }));
      const answers = await python.ask('validate', scenarios);
      for (const [index, row] of CASES.entries()) {
        const answer = answers[index];
        const there = answer !== undefined && 'value' in answer ? answer.value : answer;
        verdicts.set(row, { here: await verdictHere(row.scenario), there });
      }
    });

    afterAll(() => python.close());

    it('the verdicts on the whole table are the same, but where a row says that they differ', () => {
      const byRow = new Map<Differs, number>();
      const defects: unknown[] = [];
      for (const [{ name, differs }, { here, there }] of verdicts) {
        const same = isDeepStrictEqual(here, there);
        if (same !== (differs === undefined)) defects.push({ name, differs, here, there });
        if (differs !== undefined) byRow.set(differs, (byRow.get(differs) ?? 0) + 1);
      }
      const rows = [...byRow].map(([id, count]) => `; ${count} differ by ${id}`).join('');
      console.log(`parity of validate: ${verdicts.size} cases compared${rows}`);
      expect(defects).toEqual([]);
      expect(verdicts.size).toBeGreaterThanOrEqual(100);
    });

    const rows = Object.entries(DIFFERENCES).filter(([, { module }]) => module === 'validate');

    it.each(rows)('the intended difference %s is one', (id) => {
      const witnesses = CASES.filter(({ differs }) => differs === id);
      expect(witnesses).not.toEqual([]);
      for (const row of witnesses) {
        const { here, there } = verdicts.get(row) ?? {};
        expect(there).toEqual({ refused: expect.any(Boolean), warned: expect.any(Boolean) });
        expect(here).not.toEqual(there);
      }
    });
  },
);
