import type { Environ } from '@wsgi/core/types';

/**
 * What a request's conditions say of it: RFC 9110 section 13.2.2.
 *
 * - `'met'`: do what it asks for.
 * - `'not modified'`: the client has this version already; 304 says so.
 * - `'failed'`: it is not for what is there now; 412, and nothing may be changed.
 *
 * @param etag - the version that is there; `undefined` when there is none.
 */
export function judge(
  environ: Environ,
  etag: string | undefined,
): 'met' | 'not modified' | 'failed' {
  const { HTTP_IF_MATCH: wanted, HTTP_IF_NONE_MATCH: known, REQUEST_METHOD: method } = environ;
  // Only a strong tag says that the bytes are the same: `W/"x"` does not match `"x"` here.
  if (wanted !== undefined && !names(wanted, etag, /(?:W\/)?"[^"]*"/g)) return 'failed';
  if (known === undefined || !names(known, etag, /"[^"]*"/g)) return 'met';
  return method === 'GET' || method === 'HEAD' ? 'not modified' : 'failed';
}

/**
 * Whether a field names the version that is there.
 *
 * @param field - its value; repeated fields arrive joined with commas.
 * @param tag - finds the tags in it, in the form in which they are compared.
 */
function names(field: string, etag: string | undefined, tag: RegExp): boolean {
  if (etag === undefined) return false;
  const tags: readonly string[] = field.match(tag) ?? [];
  return field.trim() === '*' || tags.includes(etag);
}
