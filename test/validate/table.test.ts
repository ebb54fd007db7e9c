import { AssertionError } from 'node:assert';
import { describe, expect, it } from 'vitest';
import { CASES } from './cases/index.ts';
import { play } from './play.ts';
import type { Case } from './scenario.ts';
import { variantsOf } from './scripted-application.ts';

describe('The validator catches what is wrong, and nothing else', () => {
  for (const row of CASES) {
    for (const variant of variantsOf(row.scenario)) {
      it(`${row.wrong ?? row.warns ?? 'right'}: ${row.name} (${variant})`, async () => {
        const verdict = await play(row.scenario, variant);
        expectError(row, verdict.error);
        expect(verdict.warnings.map(String)).toEqual(
          row.warns === undefined ? [] : [expect.stringContaining(`WSGIWarning: ${row.warns}`)],
        );
        if (variant === 'synchronous') expect(verdict.server.waited).toBe(false);
      });
    }
  }
});

describe('The table', () => {
  it('has at least a hundred rows, each with a name of its own', () => {
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
    expect(CASES.length).toBeGreaterThanOrEqual(100);
  });
});

function expectError(row: Case, error: unknown): void {
  if (row.wrong === undefined) {
    expect(error).toBeUndefined();
    return;
  }
  expect(error).toBeInstanceOf(AssertionError);
  expect(error).toHaveProperty(
    'message',
    expect.stringMatching(/^(server|application|middleware): .* \(PEP 3333, ".*"\)$/s),
  );
  const { message } = error as AssertionError;
  expect(message.slice(0, row.wrong.length)).toBe(row.wrong);
  expect(message).toContain(`(PEP 3333, "${row.section}")`);
}
