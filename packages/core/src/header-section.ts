import type { HeaderList } from './types.js';

/** Header fields, and the section that they make. */
interface Sent {
  /** Names and values alternately. */
  readonly fields: readonly string[];
  section: string;
  isFlat: boolean;
}

/**
 * The last section that was made, for each number of fields. Applications repeat themselves, and comparing fields costs
 * less than joining them.
 */
const sent: (Sent | undefined)[] = [];
const MOST_FIELDS = 64;
const LONGEST_SECTION = 4096;

/** A header section as it is sent, with the empty line that ends it (RFC 9112 section 5). */
export function headerSection(fields: HeaderList): string {
  const before = sent[fields.length];
  return before !== undefined && isSame(before.fields, fields) ? again(before) : join(fields);
}

function isSame(before: readonly string[], fields: HeaderList): boolean {
  let at = 0;
  for (const field of fields) {
    if (field[0] !== before[at] || field[1] !== before[at + 1]) return false;
    at += 2;
  }
  return true;
}

function again(before: Sent): string {
  // V8 keeps joined text as a tree of its pieces, and walks it each time it is sent; text decoded from bytes is flat.
  if (!before.isFlat) before.section = Buffer.from(before.section, 'latin1').toString('latin1');
  before.isFlat = true;
  return before.section;
}

function join(fields: HeaderList): string {
  let section = '';
  const copy: string[] = [];
  for (const [name, value] of fields) {
    section += `${name}: ${value}\r\n`;
    copy.push(name, value);
  }
  section += '\r\n';
  if (fields.length <= MOST_FIELDS && section.length <= LONGEST_SECTION) {
    sent[fields.length] = { fields: copy, section, isFlat: false };
  }
  return section;
}
