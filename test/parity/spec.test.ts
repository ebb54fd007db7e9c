import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DIFFERENCES, type Difference } from './differences.ts';

const spec = readFileSync(new URL('../../packages/core/SPEC.md', import.meta.url), 'utf8');
/** The cells of a line of a table, without the formatter's padding. */
const cells = (line: string): string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((text) => text.trim());

it("SPEC.md's table of differences holds every row that is tested here, and no other", () => {
  const section = spec.slice(spec.indexOf('## 9.'), spec.indexOf('## 10.'));
  const [, , ...rows] = section.split('\n').filter((line) => line.startsWith('| '));
  const tested = Object.values(DIFFERENCES).map(({ module, wsgiref, here, why }: Difference) =>
    [module, wsgiref, here, why].map((text) => text.replaceAll('|', '\\|')),
  );
  expect(rows.map(cells)).toEqual(tested);
});
