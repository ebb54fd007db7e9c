import {
  consistsOf,
  DIGIT_CHARACTERS,
  HEX_CHARACTERS,
  HOST_CHARACTERS,
  IPV6_CHARACTERS,
} from './characters.js';

const HIGHEST_PORT = 65535;

/**
 * Whether `text` is a host with or without a port, as in a Host field and in the authority of a target:
 * no user, no white space, and not empty, since no http URI may lack a host.
 *
 * Source: RFC 9110 sections 4.2.1 and 7.2; RFC 3986 section 3.2.
 */
export function isHost(text: string): boolean {
  if (text === lastHost) return true;
  const isOne = hasHostForm(text);
  if (isOne) lastHost = text;
  return isOne;
}

/** The last host that passed: most requests to a server name the same one. */
let lastHost: string | undefined;

function hasHostForm(text: string): boolean {
  const hostEnd = text.charCodeAt(0) === 0x5b ? text.indexOf(']') + 1 : portStart(text);
  return isPort(text, hostEnd) && isName(text, hostEnd);
}

function portStart(text: string): number {
  const colon = text.indexOf(':');
  return colon === -1 ? text.length : colon;
}

function isPort(text: string, from: number): boolean {
  if (from === text.length) return true;
  if (text[from] !== ':') return false;
  if (from + 1 === text.length) return true;
  return (
    consistsOf(DIGIT_CHARACTERS, text, from + 1) && Number(text.slice(from + 1)) <= HIGHEST_PORT
  );
}

function isName(text: string, end: number): boolean {
  if (text.charCodeAt(0) === 0x5b) return consistsOf(IPV6_CHARACTERS, text, 1, end - 1);
  if (!consistsOf(HOST_CHARACTERS, text, 0, end)) return false;
  // No escape can run on into the port: its colon is no digit.
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', at + 1)) {
    if (!consistsOf(HEX_CHARACTERS, text, at + 1, at + 3)) return false;
  }
  return true;
}
