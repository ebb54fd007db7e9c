import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compile } from '../docs/compile.js';
import { blocks, documents, isPackageReadme, place } from '../docs/documents.js';
import { runBlock } from '../docs/run-block.js';
import { install, pack, packages, temporaryFolder } from './install.js';

// The READMEs of the root and of the packages; test/docs has the other documents.
const readmes = documents().filter(isPackageReadme).flatMap(blocks);
const tarballs = temporaryFolder();
const project = install(
  pack(tarballs),
  readmes.map(({ code }) => code),
);
afterAll(() => {
  rmSync(tarballs, { recursive: true, force: true });
  rmSync(project, { recursive: true, force: true });
});

function run(file: string, ...rest: string[]): string[] {
  return execFileSync(process.execPath, [file, ...rest], { cwd: project, encoding: 'utf8' })
    .trim()
    .split('\n');
}

test('A project in plain JavaScript mounts the packages in each server', () => {
  expect(run('javascript.mjs')).toEqual(Array(3).fill('200 /gateway /hello'));
});

test('A CommonJS project requires every entry point', () => {
  const lines = run('commonjs.cjs', ...packages);
  expect(lines).toContain('@wsgi/core/handlers');
  expect(lines.at(-1)).toBe('200 /hello');
});

const files = ['typescript.ts', 'typescript-commonjs.cts'].map((name) => join(project, name));
const { modules, errors } = compile(readmes, project, { files, skipLibCheck: false });

test('A strict TypeScript project compiles under NodeNext, with the declarations and the code of the READMEs', () => {
  expect(errors).toEqual([]);
});

test('A TypeScript project runs', () => {
  expect(run('typescript.js')).toEqual(['200 OK', 'Ada']);
  expect(run('typescript-commonjs.cjs')).toEqual(['function']);
});

describe('The code of the READMEs runs', { concurrent: true }, () => {
  cpSync(join(import.meta.dirname, '../docs/play.mjs'), join(project, 'play.mjs'));
  test.for(modules.map((module) => [place(module.block), module] as const))(
    '%s',
    async ([, module], { expect }) => {
      await expect(runBlock(module, join(project, 'play.mjs'))).resolves.toBeTypeOf('string');
    },
  );
});
