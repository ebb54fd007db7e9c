import { show } from '../show.js';
import type { Environ } from '../types.js';

/**
 * Moves the first segment of PATH_INFO to the end of SCRIPT_NAME and returns it; `null` when none is left.
 *
 * Empty segments and `.` are skipped, `..` takes one off SCRIPT_NAME. When PATH_INFO is `/` alone it returns `''`
 * and SCRIPT_NAME ends in `/`, so that an application can tell `/x` from `/x/`. The environ is changed in place.
 *
 * @throws TypeError when PATH_INFO holds no `/` at all.
 *
 * Source: wsgiref.util.shift_path_info.
 */
export function shiftPathInfo(environ: Partial<Environ>): string | null {
  const pathInfo = environ.PATH_INFO ?? '';
  if (pathInfo === '') return null;

  const [before, ...segments] = pathInfo.split('/');
  const last = segments.pop();
  if (last === undefined) {
    throw new TypeError(`PATH_INFO must be '' or begin with '/', not ${show(pathInfo)}.`);
  }
  const rest = [...segments.filter((segment) => segment !== '' && segment !== '.'), last];
  const name = rest.shift() ?? '';

  let scriptName = normalisePath(`${environ.SCRIPT_NAME ?? ''}/${name}`);
  if (scriptName.endsWith('/')) scriptName = scriptName.slice(0, -1);
  if (name === '' && !scriptName.endsWith('/')) scriptName += '/';

  environ.SCRIPT_NAME = scriptName;
  environ.PATH_INFO = [before, ...rest].join('/');
  // A last `.` was not skipped above, but it names nothing.
  return name === '.' ? null : name;
}

/** posixpath.normpath for a path that is not empty: POSIX lets exactly two leading slashes stand. */
function normalisePath(path: string): string {
  const root = /^\/\/(?!\/)/.test(path) ? '//' : path.startsWith('/') ? '/' : '';
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') kept.push(segment);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (root === '') kept.push(segment);
  }
  return root + kept.join('/') || '.';
}
