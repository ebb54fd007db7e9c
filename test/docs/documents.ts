/** The project's documents, and the code blocks in them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** A fenced block of a document. */
export interface Block {
  /** The document's path from the root of the project. */
  document: string;
  /** The line of its first line of code, from 1. */
  line: number;
  language: string;
  code: string;
}

/** The documents that users read: those of the root, of each package and of each example. */
export function documents(): string[] {
  const folders = [root, ...inside('packages'), ...inside('examples')];
  return folders
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .map((path) => relative(root, path))
    .filter((path) => path.endsWith('.md') && !path.endsWith('CHANGELOG.md'));
}

/** The READMEs that users meet first, run as users would in test/consumer. */
export function isPackageReadme(document: string): boolean {
  return /^(?:packages\/[^/]+\/)?README\.md$/.test(document);
}

function inside(folder: string): string[] {
  return readdirSync(join(root, folder))
    .map((name) => join(root, folder, name))
    .filter((path) => existsSync(join(path, 'package.json')));
}

/** The fenced blocks of a document, in order. */
export function blocks(document: string): Block[] {
  const found: Block[] = [];
  let block: Block | undefined;
  // A block in a list is indented, and so is its code.
  let indent = 0;
  for (const [index, line] of readFileSync(join(root, document), 'utf8').split('\n').entries()) {
    const fence = /^ *```(\S*)/.exec(line);
    if (block !== undefined) {
      if (fence === null) block.code += `${line.slice(indent)}\n`;
      else block = undefined;
    } else if (fence !== null) {
      indent = fence[0].indexOf('`');
      block = { document, line: index + 2, language: fence[1] ?? '', code: '' };
      found.push(block);
    }
  }
  return found;
}

/** Where a block stands, for people and editors. */
export function place(block: Block): string {
  return `${block.document}:${block.line}`;
}
