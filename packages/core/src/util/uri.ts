import { show } from '../show.js';
import type { Environ } from '../types.js';
import { checkNative } from './native.js';

/**
 * `'https'` when the environ's HTTPS is `yes`, `on` or `1`, else `'http'`: for CGI, whose servers say it that way.
 *
 * Source: wsgiref.util.guess_scheme.
 */
export function guessScheme(environ: { readonly [key: string]: unknown }): 'http' | 'https' {
  const { HTTPS } = environ;
  return HTTPS === 'yes' || HTTPS === 'on' || HTTPS === '1' ? 'https' : 'http';
}

/**
 * The URI at which the application is mounted, without PATH_INFO and query.
 *
 * The host is HTTP_HOST, which the client chose, or SERVER_NAME and SERVER_PORT. The path never changes it.
 *
 * @throws TypeError when a key that it needs is missing or SCRIPT_NAME is no native string.
 *
 * Source: wsgiref.util.application_uri; PEP 3333, "URL Reconstruction".
 */
export function applicationUri(environ: Readonly<Partial<Environ>>): string {
  const scriptName = quote(environ.SCRIPT_NAME || '/', 'SCRIPT_NAME');
  // Without its slash a SCRIPT_NAME of `.evil.example` would become a part of the host.
  return `${origin(environ)}${scriptName.startsWith('/') ? '' : '/'}${scriptName}`;
}

/**
 * The whole URI of the request.
 *
 * A path of `//evil.example` stays a path: `http://host//evil.example`.
 *
 * @param includeQuery - whether QUERY_STRING is added; `true` when left out.
 * @throws TypeError when a key that it needs is missing, or SCRIPT_NAME or PATH_INFO is no native string.
 *
 * Source: wsgiref.util.request_uri; PEP 3333, "URL Reconstruction".
 */
export function requestUri(environ: Readonly<Partial<Environ>>, includeQuery = true): string {
  const base = applicationUri(environ);
  const path = quote(environ.PATH_INFO ?? '', 'PATH_INFO');
  // Without a SCRIPT_NAME the base ends in the slash that PATH_INFO begins with.
  const rest = !environ.SCRIPT_NAME && path.startsWith('/') ? path.slice(1) : path;
  const query = includeQuery && environ.QUERY_STRING ? `?${environ.QUERY_STRING}` : '';
  return base + rest + query;
}

function origin(environ: Readonly<Partial<Environ>>): string {
  const scheme = required(environ, 'wsgi.url_scheme');
  if (environ.HTTP_HOST) return `${scheme}://${environ.HTTP_HOST}`;
  const name = required(environ, 'SERVER_NAME');
  const port = required(environ, 'SERVER_PORT');
  const usual = scheme === 'https' ? '443' : '80';
  return `${scheme}://${name}${port === usual ? '' : `:${port}`}`;
}

function required(
  environ: Readonly<Partial<Environ>>,
  key: 'wsgi.url_scheme' | 'SERVER_NAME' | 'SERVER_PORT',
): string {
  const value = environ[key];
  if (typeof value !== 'string') {
    throw new TypeError(`environ['${key}'] must be a string, not ${show(value)}.`);
  }
  return value;
}

// urllib.parse.quote(..., encoding='latin1'): SCRIPT_NAME and PATH_INFO differ in what they keep.
const UNSAFE = {
  SCRIPT_NAME: /[^A-Za-z0-9_.~/-]/g,
  PATH_INFO: /[^A-Za-z0-9_.~/;=,-]/g,
};

function quote(path: string, key: 'SCRIPT_NAME' | 'PATH_INFO'): string {
  checkNative(path, `environ.${key}`);
  return path.replace(
    UNSAFE[key],
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
