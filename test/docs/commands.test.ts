import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root } from './documents.js';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

test('Every folder of tests has a command of its own', () => {
  const folders = readdirSync(join(root, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map(({ name }) => name)
    .filter((name) =>
      readdirSync(join(root, 'test', name)).some((file) => /\.test\.ts$/.test(file)),
    );
  expect(folders).toContain('hosts');
  expect(folders.filter((name) => !(`test:${name}` in scripts || name in scripts))).toEqual([]);
});

test.each([
  ['bench', 'bench.mjs'],
  ['torture', 'main.mjs'],
])('npm run %s -- --help says how it is called, as the documents do', (name, script) => {
  const path = join(root, 'test', name, script);
  const { stdout } = spawnSync(process.execPath, [path, '--help'], { encoding: 'utf8' });
  expect(stdout).toMatch(new RegExp(`^npm run ${name} -- \\[`));
});

test('The README of the wsgi command has every option of its --help', () => {
  const folder = join(root, 'packages/simple-server');
  const { stdout } = spawnSync(process.execPath, [join(folder, 'bin/wsgi.js'), '--help'], {
    encoding: 'utf8',
  });
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  const options = stdout.match(/--[a-z-]+/g) ?? [];
  expect(options).toContain('--help');
  expect(options.filter((option) => !readme.includes(`\`${option}`))).toEqual([]);
});

/** Runs `.ci/run` where no package is installed, as a user with that id, up to `npm test`. */
function runWhereAllIsMissing(user: number, apt = 'echo "apt-get $*"') {
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-commands-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const commands = {
    dpkg: 'exit 1',
    id: `echo ${user}`,
    'apt-get': apt,
    npm: 'echo "npm $*"; exit 7',
  };
  for (const [name, script] of Object.entries(commands)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync(join(root, '.ci/run'), { encoding: 'utf8', env });
  return { status, stdout: stdout.trimEnd().split('\n'), stderr };
}

test('CI installs what the tests want from Debian', () => {
  const { status, stdout, stderr } = runWhereAllIsMissing(0);
  expect(stdout.slice(1)).toEqual([
    'apt-get update -qq',
    'apt-get install -y -qq --no-install-recommends curl python3 wrk apache2 nginx fcgiwrap lighttpd',
    'npm test',
  ]);
  expect({ status, stderr }).toEqual({ status: 7, stderr: '' });
});

test('CI says what Debian did not give it, and runs the tests', () => {
  const { status, stdout, stderr } = runWhereAllIsMissing(0, 'echo E: no network >&2; exit 100');
  expect(stderr).toMatch(/^E: no network\nnot installed, see above: curl python3 wrk apache2 /);
  expect({ status, stdout: stdout.slice(1) }).toEqual({ status: 7, stdout: ['npm test'] });
});

test('CI says what is missing where it may not install it, and runs the tests', () => {
  const { status, stdout, stderr } = runWhereAllIsMissing(1000);
  expect(stderr).toMatch(/^missing, .*: curl python3 wrk apache2 nginx fcgiwrap lighttpd;/);
  expect({ status, stdout }).toEqual({ status: 7, stdout: ['npm test'] });
});
