import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DIFFERENCES } from './differences.ts';
import { type Played, playHere, playHereLater } from './handlers-here.ts';
import { align, type Row, rewrite } from './handlers-rows.ts';
import { type Scenario, scenarios } from './handlers-scenarios.ts';
import { Python, whyNoPython } from './python.ts';

const TABLE = [...scenarios()];

describe.skipIf(whyNoPython !== undefined)(
  `wsgiref.handlers here and in CPython ${whyNoPython ?? ''}`,
  () => {
    let python: Python;
    beforeAll(() => {
      python = Python.start();
      // Both sides send the epoch as Date.
      vi.spyOn(Date, 'now').mockReturnValue(0);
    });
    afterAll(async () => {
      vi.restoreAllMocks();
      await python.close();
    });

    async function playThere(table: readonly Scenario[]): Promise<Played[]> {
      const outcomes = await python.ask('respond', table);
      return outcomes.map((outcome) => {
        if ('error' in outcome) throw new Error(outcome.error);
        return outcome.value as Played;
      });
    }

    it('respond with the same bytes, or differ by a named row', { timeout: 300_000 }, async () => {
      const theirs = await playThere(TABLE);
      const ours = TABLE.map((scenario) => outputOf(playHere(scenario)));
      const differing = TABLE.flatMap((scenario, index) =>
        isDeepStrictEqual(theirs[index], ours[index])
          ? []
          : [{ scenario, theirs: theirs[index], ours: ours[index], rows: new Set<Row>() }],
      );
      const rewritten = await playThere(
        differing.map(({ scenario, rows }) => rewrite(scenario, rows)),
      );
      const defects: unknown[] = [];
      const byRow = new Map<Row, number>();
      for (const [index, { scenario, theirs, ours, rows }] of differing.entries()) {
        const wanted = rewritten[index];
        if (wanted === undefined || ours === undefined) throw new Error('a scenario was left out');
        const [there, here] = align(scenario, wanted, ours, rows);
        if (rows.size === 0 || !isDeepStrictEqual(there, here)) {
          defects.push({ scenario: JSON.stringify(scenario), wanted: theirs, ours, there, here });
        }
        for (const row of rows) byRow.set(row, (byRow.get(row) ?? 0) + 1);
      }
      const counts = [...byRow].map(([id, count]) => `${count} by ${id}`).join(', ');
      console.log(
        `parity of handlers: ${TABLE.length} responses compared, ${TABLE.length - differing.length} the same, the others differ ${counts}`,
      );
      expect(defects.slice(0, 5), `${defects.length} responses differ and no row says why`).toEqual(
        [],
      );
      // Every row of the table is met here, and so really differs.
      const rows = Object.entries(DIFFERENCES).flatMap(([id, { module }]) =>
        module === 'handlers' ? [id] : [],
      );
      expect([...byRow.keys()].sort()).toEqual(rows.sort());
    });

    it('respond with the same bytes when application and body are asynchronous', async () => {
      for (const scenario of TABLE.filter((_, index) => index % 5 === 0)) {
        expect(await playHereLater(scenario), JSON.stringify(scenario)).toEqual(playHere(scenario));
      }
    });
  },
);

function outputOf({ out, closed, reported }: Played): Played {
  return { out, closed, reported };
}
