import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SCRIPT = join(import.meta.dirname, 'scripts/environ.mjs');

/** Runs the script in a shell, which can set variables to any bytes; `printf` writes them in octal. */
function environOf(
  variables: Record<string, string>,
  changes: { set?: Record<string, string>; remove?: string[] } = {},
): Record<string, string> {
  const assignments = Object.entries(variables).map(([name, value]) => {
    const octal = [...Buffer.from(value, 'latin1')].map(
      (b) => `\\${b.toString(8).padStart(3, '0')}`,
    );
    return `${name}="$(printf '${octal.join('')}')"`;
  });
  const command = `${assignments.join(' ')} exec "$NODE" "$SCRIPT" "$CHANGES"`;
  const env = {
    NODE: process.execPath,
    SCRIPT,
    CHANGES: JSON.stringify(changes),
    PLAIN: 'as it is',
  };
  return JSON.parse(execFileSync('/bin/sh', ['-c', command], { env, encoding: 'utf8' }));
}

describe.skipIf(!existsSync('/bin/sh'))('readEnviron', () => {
  it('copies the environment', () => {
    expect(environOf({})).toMatchObject({ PLAIN: 'as it is' });
  });

  it('gives UTF-8 as native string', () => {
    expect(environOf({ PATH_INFO: '/caf\xc3\xa9' })).toMatchObject({ PATH_INFO: '/caf\xc3\xa9' });
  });

  it.runIf(process.platform === 'linux')('gives the true bytes of what is no UTF-8', () => {
    const bytes = '/\xff\xfe\xe9\xc3';
    expect(environOf({ PATH_INFO: bytes })).toMatchObject({ PATH_INFO: bytes });
  });

  it('gives what process.env holds now: added, changed, removed', () => {
    const environ = environOf(
      { CHANGED: '\xffold', REMOVED: 'x', KEPT: '\xff' },
      { set: { ADDED: 'é', CHANGED: 'new' }, remove: ['REMOVED'] },
    );
    expect(environ).toMatchObject({ ADDED: '\xc3\xa9', CHANGED: 'new' });
    expect(environ).not.toHaveProperty('REMOVED');
    if (process.platform === 'linux') expect(environ).toMatchObject({ KEPT: '\xff' });
  });

  it('keeps HTTP_PROXY where it is a variable of its user', () => {
    expect(environOf({ HTTP_PROXY: 'http://proxy' })).toMatchObject({ HTTP_PROXY: 'http://proxy' });
  });

  it.each(['REQUEST_METHOD', 'GATEWAY_INTERFACE'])(
    'leaves HTTP_PROXY out where %s says that it is a request header',
    (name) => {
      expect(environOf({ HTTP_PROXY: 'http://evil', [name]: 'x' })).not.toHaveProperty(
        'HTTP_PROXY',
      );
    },
  );
});
