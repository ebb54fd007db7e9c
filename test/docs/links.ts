/** Links from one file of the project to another. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from './documents.js';

export interface Link {
  /** The file that it leads to, from the root of the project. */
  path: string;
  /** The heading in it. */
  anchor?: string;
}

/** The links of a document, but for those to other sites. */
export function links(document: string): Link[] {
  const text = readFileSync(join(root, document), 'utf8').replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? document : normalize(join(dirname(document), file));
    return [anchor === undefined ? { path } : { path, anchor }];
  });
}

/** What can be linked to in a file: a document's headings, as GitHub names them. Undefined when there is no file. */
export function anchors(path: string): string[] | undefined {
  if (!existsSync(join(root, path))) return undefined;
  if (!path.endsWith('.md')) return [];
  const headings = readFileSync(join(root, path), 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
