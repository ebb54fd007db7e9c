import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { compile } from './compile.js';
import { blocks, documents, isPackageReadme, place, root } from './documents.js';
import { runBlock } from './run-block.js';

// Below test/, where the packages and the frameworks that documents show can be imported.
const folder = mkdtempSync(join(import.meta.dirname, '../.docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const all = documents().flatMap(blocks);
// The READMEs of the packages run in test/consumer, from the tarballs.
const { modules, errors } = compile(
  all.filter(({ document }) => !isPackageReadme(document)),
  folder,
);

test('Every block in TypeScript compiles under NodeNext', () => {
  expect(errors).toEqual([]);
});

describe('Every block runs', { concurrent: true }, () => {
  const player = join(import.meta.dirname, 'play.mjs');
  test.for(modules.map((module) => [place(module.block), module] as const))(
    '%s',
    async ([, module], { expect }) => {
      await expect(runBlock(module, player)).resolves.toBeTypeOf('string');
    },
  );
});

test('Every command of a shell block exists', () => {
  const scripts = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts);
  for (const block of all.filter(({ language }) => language === 'sh')) {
    for (const line of block.code.split('\n')) {
      const [, named, short] = /^npm (?:run ([\w:-]+)|(start|test)\b)/.exec(line) ?? [];
      const script = named ?? short;
      if (script !== undefined) expect(scripts, place(block)).toContain(script);
      for (const [, name] of line.matchAll(/@wsgi\/([\w-]+)/g)) {
        expect(documents(), place(block)).toContain(`packages/${name}/README.md`);
      }
    }
  }
});

const nginx = process.platform !== 'win32' && !spawnSync('nginx', ['-v']).error;
if (!nginx)
  console.warn('nginx is not installed: its configurations in the documents are not checked');

test.runIf(nginx)('nginx takes its configurations', async () => {
  const configurations = all.filter(({ language }) => language === 'nginx');
  expect(configurations).not.toEqual([]);
  for (const { code } of configurations) {
    const path = join(folder, 'nginx.conf');
    writeFileSync(path, `pid ${folder}/nginx.pid; error_log stderr; events {} http { ${code} }`);
    await expect(promisify(execFile)('nginx', ['-t', '-c', path])).resolves.toBeDefined();
  }
});
