/** A folder that a web server serves: scripts in `cgi-bin`, with the packages that they import. */
import { accessSync, chmodSync, constants, copyFileSync, mkdtempSync, statSync } from 'node:fs';
import { chown, cp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = import.meta.dirname;
const SCRIPTS = [join(HERE, 'scripts/probe.mjs'), join(HERE, '../../examples/cgi/app.mjs')];

/** `nobody`: the user of the web servers when root runs the tests. Apache would refuse to serve as root. */
export const nobody: { uid: number; gid: number } | undefined =
  process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;

export interface Site {
  /** Everything is in here; the web server's own files too. */
  readonly folder: string;
  /** PATH for the scripts: their first line asks it for node. */
  readonly path: string;
  remove(): Promise<void>;
}

export async function makeSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'cgi-'));
  chmodSync(folder, 0o755);
  const core = dirname(dirname(fileURLToPath(import.meta.resolve('@wsgi/core'))));
  const copy = join(folder, 'node_modules/@wsgi/core');
  await mkdir(join(folder, 'cgi-bin'));
  await mkdir(join(folder, 'work'));
  await cp(join(core, 'dist'), join(copy, 'dist'), { recursive: true });
  await cp(join(core, 'package.json'), join(copy, 'package.json'));
  for (const script of SCRIPTS) await cp(script, join(folder, 'cgi-bin', basename(script)));
  if (nobody !== undefined) {
    await chown(folder, nobody.uid, nobody.gid);
    await chown(join(folder, 'work'), nobody.uid, nobody.gid);
  }
  return {
    folder,
    path: `${folderOfNode(folder)}:/usr/local/bin:/usr/bin:/bin`,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Where `nobody` finds the Node that runs the tests: a copy, if its own folder is closed to others. */
function folderOfNode(folder: string): string {
  const node = process.execPath;
  if (nobody === undefined || isOpen(node)) return dirname(node);
  copyFileSync(node, join(folder, 'node'), constants.COPYFILE_FICLONE);
  return folder;
}

function isOpen(path: string): boolean {
  accessSync(path);
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
