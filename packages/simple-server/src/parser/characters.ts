/** Sets of characters, as tables by character code: 1 is a member. */
export type CharacterSet = Uint8Array;

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const digits = '0123456789';

/** RFC 9110, section 5.6.2: what methods, field names and chunk extension names are made of. */
export const tokenCharacters: CharacterSet = setOf(`${letters}${digits}!#$%&'*+-.^_\`|~`);

/**
 * RFC 3986, section 3.2.2: what a registered name or an IPv4 address is made of, but for the comma: with it
 * the list that a proxy makes of two Host lines would pass for one host.
 */
export const hostCharacters: CharacterSet = setOf(`${letters}${digits}-._~%!$&'()*+;=`);

/** RFC 3986, section 3.2.2: what stands between the brackets of an IPv6 address. */
export const ipv6Characters: CharacterSet = setOf(`${digits}abcdefABCDEF:.`);

/** What a request target may hold: all that is printable in ASCII, but for the `#` of a fragment. */
export const targetCharacters: CharacterSet = new Uint8Array(256).fill(1, 0x21, 0x7f);
targetCharacters['#'.charCodeAt(0)] = 0;

export const digitCharacters: CharacterSet = setOf(digits);

export const hexCharacters: CharacterSet = setOf(`${digits}abcdefABCDEF`);

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
