import { wsgiToUtf8 } from '@wsgi/core/util';
import { Refusal } from './responses.js';

/** The longest name, in bytes of UTF-8, that common file systems take. */
const MAX_NAME_BYTES = 255;

/**
 * The file name that a path segment stands for.
 *
 * The one gate between a request and the folder: what it returns is safe to join to the folder's path.
 * The host has percent-decoded the path already, so an encoded `%2F` or `%00` arrives here as itself.
 *
 * @param segment - the part of PATH_INFO after `/files/`, in the environ's one-code-unit-per-byte form.
 * @throws Refusal with status 400 for any name that could mean another place than a file in the folder.
 */
export function checkName(segment: string): string {
  const name = wsgiToUtf8(segment);
  const fault = faultOf(name, segment.length);
  if (fault !== undefined)
    throw new Refusal('400 Bad Request', `Not a usable file name: ${fault}.`);
  return name;
}

function faultOf(name: string, bytes: number): string | undefined {
  if (name === '') return 'it is empty';
  if (bytes > MAX_NAME_BYTES) return `it is longer than ${MAX_NAME_BYTES} bytes`;
  if (/[/\\]/.test(name)) return 'it holds a slash or a backslash';
  // Covers `.` and `..`, and keeps the names of unfinished uploads out of reach.
  if (name.startsWith('.')) return 'it begins with a dot';
  if (/\p{Cc}/u.test(name)) return 'it holds a control character';
  if (name.includes('\ufffd')) return 'it is not valid UTF-8';
  return undefined;
}
