import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, describe, expect, test } from 'vitest';
import { root } from '../docs/documents.js';
import { json, pack, packages, temporaryFolder } from './install.js';

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tarballs = [...pack(folder)];

describe.each(tarballs)('The tarball of @wsgi/%s', (name, path) => {
  const files = execFileSync('tar', ['-tzf', path], { encoding: 'utf8' }).trim().split('\n');
  const read = (file: string) => execFileSync('tar', ['-xzOf', path, file], { encoding: 'utf8' });

  test('holds the licence, the README, the build and its sources, and nothing else', () => {
    for (const file of ['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'src/index.ts']) {
      expect(files).toContain(`package/${file}`);
    }
    const rest = files.filter(
      (file) =>
        !/^package\/(?:dist\/.*\.(?:js|d\.ts)(?:\.map)?|src\/.*\.ts|bin\/.*\.js|[\w.-]+\.md|LICENSE|package\.json)$/.test(
          file,
        ),
    );
    expect(rest).toEqual([]);
    expect(read('package/LICENSE')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
  });

  test('holds the source that each map names, so that editors and debuggers land in TypeScript', () => {
    const maps = files.filter((file) => file.endsWith('.map'));
    const named = maps.flatMap((file) =>
      JSON.parse(read(file)).sources.map((source: string) => join(dirname(file), source)),
    );
    expect(named).not.toEqual([]);
    expect(named.filter((source) => !files.includes(source))).toEqual([]);
  });

  test('depends on versions that can be installed', () => {
    const { dependencies = {}, engines, sideEffects } = JSON.parse(read('package/package.json'));
    const { version } = json(join(root, 'packages/core/package.json'));
    if (name !== 'core') expect(dependencies['@wsgi/core']).toBe(`^${version}`);
    expect(Object.values(dependencies).join()).not.toContain('workspace:');
    expect({ engines, sideEffects }).toEqual({ engines: { node: '>=20.19' }, sideEffects: false });
  });

  test('is clean to publint', async () => {
    const tarball = Uint8Array.from(readFileSync(path)).buffer;
    const { messages } = await publint({ pack: { tarball }, strict: true, level: 'suggestion' });
    expect(messages).toEqual([]);
  });

  // The profile leaves out `node10`: the resolution of TypeScript before 4.7, which knows no `exports`. The ignored
  // rule says that `require()` of an ES module is an error in Node; since 20.19, our oldest Node, it is none, and the
  // CommonJS consumer in this folder does it. All other rules hold for `import`, `require()` and bundlers.
  test('is clean to attw', async () => {
    const attw = join(root, 'node_modules/.bin/attw');
    const rules = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'];
    const { stdout } = await promisify(execFile)(attw, [path, ...rules, '--format', 'json']).catch(
      (error) => error,
    );
    const { analysis } = JSON.parse(stdout);
    const problems = analysis.problems.filter(
      (problem: { kind: string; resolutionKind?: string }) =>
        problem.kind !== 'CJSResolvesToESM' && problem.resolutionKind !== 'node10',
    );
    expect(problems).toEqual([]);
  });
});

test('Every package is packed', () => {
  expect(tarballs.map(([name]) => name)).toEqual(packages);
});
