import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { compile } from './compile.js';
import { blocks, documents, place, root } from './documents.js';

// Below test/, where the packages and the frameworks that documents show can be imported.
const folder = mkdtempSync(join(import.meta.dirname, '../.docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const all = documents().flatMap(blocks);
const { modules, errors } = compile(all, folder);

test('Every package has a README with code', () => {
  for (const name of ['core', 'express', 'fastify', 'http', 'simple-server']) {
    expect(blocks(`packages/${name}/README.md`).map((block) => block.language)).toContain('ts');
  }
});

test('Every block in TypeScript compiles under NodeNext', () => {
  expect(errors).toEqual([]);
});

describe('Every block runs', { concurrent: true }, () => {
  test.for(modules.map((module) => [place(module.block), module] as const))(
    '%s',
    async ([, { block, path }]) => {
      const asScript = block.code.startsWith('#!');
      const { stdout } = await run(path, asScript ? cgi : {});
      if (asScript) expect(stdout).toMatch(/^Status: 200 OK\r\n/);
    },
  );
});

/** What a web server tells a CGI script of `GET /`. */
const cgi = {
  GATEWAY_INTERFACE: 'CGI/1.1',
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: '/cgi-bin/app',
  PATH_INFO: '/',
  QUERY_STRING: '',
  SERVER_NAME: 'localhost',
  SERVER_PORT: '80',
  SERVER_PROTOCOL: 'HTTP/1.1',
};

const waiting: Array<() => void> = [];
let running = 0;

/** Runs a block in a process of its own, and no more of them at once than there are processors. */
async function run(path: string, environment: NodeJS.ProcessEnv): Promise<{ stdout: string }> {
  if (running >= availableParallelism()) await new Promise<void>((go) => waiting.push(go));
  running += 1;
  const runner = join(import.meta.dirname, 'run-block.mjs');
  const env = { ...process.env, ...environment };
  try {
    return await promisify(execFile)(process.execPath, [runner, path], {
      cwd: root,
      env,
      timeout: 20_000,
    });
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

test('Every command of a shell block exists', () => {
  const scripts = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts);
  for (const block of all.filter(({ language }) => language === 'sh')) {
    for (const line of block.code.split('\n')) {
      const named =
        /^(?:npm|pnpm) (?:run )?(start|test|[\w-]+:[\w-]+|build|lint|format|typecheck|docs|bench|torture)\b/;
      const script = named.exec(line)?.[1];
      if (script !== undefined) expect(scripts, place(block)).toContain(script);
      for (const [, name] of line.matchAll(/@wsgi\/([\w-]+)/g)) {
        expect(documents(), place(block)).toContain(`packages/${name}/README.md`);
      }
    }
  }
});
