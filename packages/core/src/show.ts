import { inspect } from 'node:util';

/** A value as error messages quote it: on one line, cut short, control characters escaped. */
export function show(value: unknown): string {
  return inspect(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    maxArrayLength: 8,
    maxStringLength: 120,
  });
}
