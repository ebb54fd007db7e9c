import { consistsOf, HEX_CHARACTERS, TOKEN_CHARACTERS } from './characters.js';
import { ProtocolError, quote } from './protocol-error.js';

/** Enough for every size within 2^53, with room for zeros before it. */
const MOST_DIGITS = 16;

/**
 * The size of the chunk that a line announces. Extensions are checked and then ignored.
 *
 * Source: RFC 9112 section 7.1.
 */
export function parseChunkHeader(line: string): number {
  const semicolon = line.indexOf(';');
  const end = semicolon === -1 ? line.length : semicolon;
  const isSize = end <= MOST_DIGITS && consistsOf(HEX_CHARACTERS, line, 0, end);
  const size = isSize ? Number.parseInt(line.slice(0, end), 16) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw new ProtocolError(400, `not a chunk size: ${quote(line)}`);
  if (semicolon !== -1) checkExtensions(line, semicolon);
  return size;
}

/** `;name`, `;name=value` or `;name="value"`, any number of them, without white space between. */
function checkExtensions(line: string, from: number): void {
  let at = from;
  while (at < line.length) {
    const nameEnd = line[at] === ';' ? tokenEnd(line, at + 1) : at;
    if (nameEnd <= at + 1) throw unfitExtension(line);
    at = line[nameEnd] === '=' ? valueEnd(line, nameEnd + 1) : nameEnd;
  }
}

function valueEnd(line: string, from: number): number {
  const end = line[from] === '"' ? quotedEnd(line, from) : tokenEnd(line, from);
  if (end === from) throw unfitExtension(line);
  return end;
}

function tokenEnd(line: string, from: number): number {
  let end = from;
  while (end < line.length && TOKEN_CHARACTERS[line.charCodeAt(end)] === 1) end++;
  return end;
}

function quotedEnd(line: string, from: number): number {
  for (let at = from + 1; at < line.length; at++) {
    if (line[at] === '"') return at + 1;
    if (line[at] === '\\') at++;
  }
  throw unfitExtension(line);
}

function unfitExtension(line: string): ProtocolError {
  return new ProtocolError(400, `not a chunk extension: ${quote(line)}`);
}
