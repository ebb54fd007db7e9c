import { inspect } from 'node:util';

/** The most characters of a value: an environ, or a record of a database, would make a message of its own. */
const MOST_CHARACTERS = 500;

/** A value as error messages quote it: on one line, cut short, control characters escaped. */
export function show(value: unknown): string {
  const text = inspect(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    maxArrayLength: 8,
    maxStringLength: 120,
  });
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}...` : text;
}
