import { consistsOf, TOKEN_CHARACTERS } from './characters.js';
import { ProtocolError, quote } from './protocol-error.js';

/** The fields that decide where a message ends and what becomes of its connection; all others are `other`. */
export type FieldKind =
  | 'host'
  | 'content-length'
  | 'transfer-encoding'
  | 'connection'
  | 'expect'
  | 'other';

export interface Field {
  readonly kind: FieldKind;
  readonly name: string;
  readonly value: string;
}

const HTAB = 9;
const SPACE = 32;

/** The names met so far, as written: a name that is in here has been checked. Bounded, as strangers fill it. */
const kinds = new Map<string, FieldKind>();
const MOST_KINDS = 1000;
const LONGEST_KIND = 64;

/**
 * Takes a field line apart (RFC 9112 section 5). That it holds no control character is the reader's care.
 *
 * @throws ProtocolError (400): a name that is no token, so also a space before the colon, or a folded line.
 */
export function parseField(line: string): Field {
  const colon = line.indexOf(':');
  if (colon === -1) throw new ProtocolError(400, `a header field without a colon: ${quote(line)}`);
  const name = line.slice(0, colon);
  const kind = kinds.get(name) ?? classify(name);
  // RFC 9110 counts a tab as white space, yet parsers (node:http's too) trip over it in these fields.
  if (kind !== 'other' && line.includes('\t')) {
    throw new ProtocolError(400, `a tab in ${quote(line)}`);
  }
  return { kind, name, value: trimmed(line, colon + 1) };
}

function classify(name: string): FieldKind {
  if (!consistsOf(TOKEN_CHARACTERS, name)) {
    throw new ProtocolError(400, `not a header field name: ${quote(name)}`);
  }
  const kind = kindOf(name.toLowerCase());
  if (kinds.size < MOST_KINDS && name.length <= LONGEST_KIND) kinds.set(name, kind);
  return kind;
}

function kindOf(name: string): FieldKind {
  switch (name) {
    case 'host':
    case 'content-length':
    case 'transfer-encoding':
    case 'connection':
    case 'expect':
      return name;
    case 'proxy-connection':
      // No standard knows it, but old proxies send it, and node:http obeys it.
      return 'connection';
    default:
      return 'other';
  }
}

/**
 * `text` from `from` on, without the white space around it. That is spaces and tabs and nothing else, where
 * `String.prototype.trim` would take a no-break space (0xA0) as well.
 */
export function trimmed(text: string, from: number = 0): string {
  let start = from;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === HTAB;
}
