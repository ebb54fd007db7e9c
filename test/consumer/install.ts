/** The packages as a stranger gets them: packed, and installed from the tarballs into a project elsewhere. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../docs/documents.js';

/** The names of the packages' folders. */
export const packages: readonly string[] = readdirSync(join(root, 'packages')).sort();

const { packageManager, devDependencies } = json(join(root, 'package.json'));
const { dependencies: frameworks } = json(join(root, 'test/package.json'));

/** Packs every package into `folder`. Returns the paths of the tarballs, by the names of the packages' folders. */
export function pack(folder: string): Map<string, string> {
  const arguments_ = ['-r', '--filter', './packages/*', 'pack', '--pack-destination', folder];
  execFileSync('npx', ['--yes', packageManager, ...arguments_], { cwd: root, stdio: 'pipe' });
  return new Map(
    packages.map((name) => {
      const { version } = json(join(root, 'packages', name, 'package.json'));
      return [name, join(folder, `wsgi-${name}-${version}.tgz`)] as const;
    }),
  );
}

/**
 * Makes a project in a temporary folder, with all tarballs in it, the modules that the code imports and their
 * types, but nothing of this workspace.
 */
export function install(tarballs: ReadonlyMap<string, string>, code: string[]): string {
  const project = temporaryFolder();
  const dependencies: Record<string, string | undefined> = {
    '@types/node': devDependencies['@types/node'],
  };
  for (const module of ['express', 'fastify', ...imported(code)]) {
    for (const name of [module, `@types/${module}`]) {
      if (name in frameworks) dependencies[name] = frameworks[name];
    }
  }
  for (const [name, path] of tarballs) dependencies[`@wsgi/${name}`] = `file:${path}`;
  const manifest = { name: 'stranger', private: true, type: 'module', dependencies };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest, undefined, 2));
  const quickly = ['--prefer-offline', '--no-audit', '--no-fund', '--no-progress'];
  execFileSync('npm', ['install', ...quickly], { cwd: project, stdio: 'pipe' });
  cpSync(join(import.meta.dirname, 'projects'), project, { recursive: true });
  return project;
}

/** The packages that code imports, but for ours. */
function imported(code: string[]): string[] {
  const specifiers = code.flatMap((text) => [
    ...text.matchAll(/ from '((?:@[\w-]+\/)?[a-z][\w-]*)/g),
  ]);
  return specifiers.flatMap(([, name = '']) => (name.startsWith('@wsgi/') ? [] : [name]));
}

export function temporaryFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'wsgi-consumer-')));
}

/** What is read of a `package.json`. */
interface Manifest {
  readonly version: string;
  readonly packageManager: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export function json(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8'));
}
