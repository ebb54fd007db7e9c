import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareMany, compareOne } from './compare.ts';
import type { DifferencesOf } from './differences.ts';
import { headersSequences, type Sequence } from './headers-subjects.ts';
import { Python, whyNoPython } from './python.ts';

describe.skipIf(whyNoPython !== undefined)(
  `wsgiref.headers here and in CPython ${whyNoPython ?? ''}`,
  () => {
    let python: Python;
    beforeAll(() => {
      python = Python.start();
    });
    afterAll(() => python.close());

    it('Headers do the same in any sequence of calls', () => compareMany(python, headersSequences));

    const witnesses: Record<DifferencesOf<'headers'>, Sequence> = {
      'header-name-token': { given: [['a b', 'c']], calls: [] },
      'header-control': { given: [['a', 'b\r\nc: d']], calls: [] },
      'header-latin1': { given: null, calls: [['set', 'a', '日']] },
      'header-parameter-token': { given: null, calls: [['addHeader', 'a', 'b', { 'c;d': 'e' }]] },
      'header-pair': { given: ['AB'], calls: [] },
      'header-set-atomic': { given: [['a', 'b']], calls: [['set', 'a', 5]] },
    };

    it.each(Object.entries(witnesses))(
      'the intended difference %s is one',
      async (id, sequence) => {
        const row = await compareOne(python, headersSequences, sequence);
        // Releases of CPython from 2026 on refuse it too: then there is no difference to see.
        const [refusing] = await python.ask('refuses_line_breaks', [null]);
        const fixedThere =
          id === 'header-control' &&
          refusing !== undefined &&
          'value' in refusing &&
          refusing.value;
        expect(row).toBe(fixedThere ? undefined : id);
      },
    );
  },
);
