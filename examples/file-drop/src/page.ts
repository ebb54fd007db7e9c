import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Application, HeaderList } from '@wsgi/core/types';
import { mediaType } from './media-types.js';
import { judge } from './preconditions.js';
import { empty, preconditionFailed } from './responses.js';

/** The page may load its own script and style, talk to its own server, and nothing else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** An application that serves one file of the `public` folder, read once. */
export function staticFile(name: string): Application {
  const content = readFileSync(new URL(`../public/${name}`, import.meta.url));
  const etag = `"${createHash('sha256').update(content).digest('base64url')}"`;
  const version: HeaderList = [
    ['ETag', etag],
    ['Cache-Control', 'no-cache'],
  ];
  return (environ, startResponse) => {
    const verdict = judge(environ, etag);
    if (verdict === 'failed') throw preconditionFailed();
    if (verdict === 'not modified') return empty(startResponse, '304 Not Modified', version);
    startResponse('200 OK', [
      ...version,
      ['Content-Type', mediaType(name)],
      ['Content-Security-Policy', POLICY],
      ['X-Content-Type-Options', 'nosniff'],
      ['Referrer-Policy', 'no-referrer'],
    ]);
    return [content];
  };
}

/**
 * Leads from `/drop` to `/drop/`, where the page's relative links are right.
 *
 * The target is relative too, so that no odd mount path can make it name another host.
 */
export const addSlash: Application = (environ, startResponse) => {
  const mount = environ.SCRIPT_NAME.slice(environ.SCRIPT_NAME.lastIndexOf('/') + 1);
  const segment = Buffer.from(mount, 'latin1').toString();
  startResponse('307 Temporary Redirect', [
    ['Location', `./${encodeURIComponent(segment)}/`],
    ['Content-Type', 'text/plain; charset=utf-8'],
  ]);
  return [Buffer.from('The page is at the same address with a slash at its end.\n')];
};
