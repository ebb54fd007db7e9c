import { types } from 'node:util';
import { show } from '../show.js';

/**
 * Whether a header field is hop-by-hop, and so the server's to send and not an application's. Case does not matter.
 *
 * Source: wsgiref.util.is_hop_by_hop; RFC 2616 section 13.5.1, which PEP 3333 names.
 */
export function isHopByHop(headerName: string): boolean {
  // The length tells most names apart, and needs no lower case.
  return LENGTHS.has(headerName.length) && HOP_BY_HOP.has(headerName.toLowerCase());
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailers',
  'transfer-encoding',
  'upgrade',
]);
const LENGTHS = new Set(Array.from(HOP_BY_HOP, (name) => name.length));

/**
 * A time as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
 *
 * @param time - seconds since 1970, as in Python (`Date.now() / 1000`), or a Date. Fractions are rounded down.
 * @throws TypeError when it is neither; RangeError when it is outside the years 0 to 9999, the ones this format has.
 *
 * Source: wsgiref.handlers.format_date_time; IMF-fixdate, RFC 9110 section 5.6.7.
 */
export function formatDateTime(time: number | Date): string {
  if (typeof time !== 'number' && !types.isDate(time)) {
    throw new TypeError(`formatDateTime wants seconds since 1970 or a Date, not ${show(time)}.`);
  }
  const date = types.isDate(time) ? time : new Date(Math.floor(time) * 1000);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) {
    throw new RangeError(
      `formatDateTime wants a time in the years 0 to 9999, not ${show(time)}; give seconds since 1970, not milliseconds.`,
    );
  }
  // ECMA-262 21.4.4.43 defines this form, with the English names, for every locale.
  return date.toUTCString();
}
