import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { documents, root } from './documents.js';
import { anchors, links } from './links.js';

const sources = readdirSync(join(root, 'packages')).flatMap((name) =>
  readdirSync(join(root, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join('packages', name, 'src', path)),
);

test('No source has more than 400 lines', () => {
  const long = sources
    .map((path) => [path, readFileSync(join(root, path), 'utf8').split('\n').length - 1] as const)
    .filter(([, lines]) => lines > 400);
  expect(sources.length).toBeGreaterThan(50);
  expect(long).toEqual([]);
});

test.each(documents())('Every link of %s within the project leads somewhere', (document) => {
  const broken = links(document).filter(({ path, anchor }) => {
    const targets = anchors(path);
    return targets === undefined || (anchor !== undefined && !targets.includes(anchor));
  });
  expect(broken).toEqual([]);
});
