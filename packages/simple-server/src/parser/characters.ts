/** Sets of characters, as tables by character code: 1 is a member. */
export type CharacterSet = Uint8Array;

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';

/** RFC 9110 section 5.6.2: what methods, field names and chunk extension names are made of. */
export const TOKEN_CHARACTERS: CharacterSet = setOf(`${LETTERS}${DIGITS}!#$%&'*+-.^_\`|~`);

/**
 * RFC 3986 section 3.2.2: what a registered name or an IPv4 address is made of, but for the comma: with it
 * the list that a proxy makes of two Host lines would pass for one host.
 */
export const HOST_CHARACTERS: CharacterSet = setOf(`${LETTERS}${DIGITS}-._~%!$&'()*+;=`);

/** RFC 3986 section 3.2.2: what stands between the brackets of an IPv6 address. */
export const IPV6_CHARACTERS: CharacterSet = setOf(`${DIGITS}abcdefABCDEF:.`);

/** What a request target may hold: all that is printable in ASCII, but for the `#` of a fragment. */
export const TARGET_CHARACTERS: CharacterSet = new Uint8Array(256).fill(1, 0x21, 0x7f);
TARGET_CHARACTERS['#'.charCodeAt(0)] = 0;

export const DIGIT_CHARACTERS: CharacterSet = setOf(DIGITS);

export const HEX_CHARACTERS: CharacterSet = setOf(`${DIGITS}abcdefABCDEF`);

/** Whether `text[from, to)` is not empty and made of `set` alone. */
export function consistsOf(
  set: CharacterSet,
  text: string,
  from: number = 0,
  to: number = text.length,
): boolean {
  for (let at = from; at < to; at++) {
    if (set[text.charCodeAt(at)] !== 1) return false;
  }
  return to > from;
}

function setOf(characters: string): CharacterSet {
  const set = new Uint8Array(256);
  for (let at = 0; at < characters.length; at++) set[characters.charCodeAt(at)] = 1;
  return set;
}
