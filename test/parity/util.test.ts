import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareMany, compareOne } from './compare.ts';
import type { DifferencesOf } from './differences.ts';
import { filesWrapped, fileWrappers } from './file-wrapper-subjects.ts';
import { Python, whyNoPython } from './python.ts';
import * as subjects from './util-subjects.ts';

describe.skipIf(whyNoPython !== undefined)(
  `wsgiref.util here and in CPython ${whyNoPython ?? ''}`,
  () => {
    let python: Python;
    let folder: string;

    beforeAll(async () => {
      python = Python.start();
      folder = await mkdtemp(join(tmpdir(), 'parity-'));
    });
    afterAll(async () => {
      await python.close();
      await rm(folder, { recursive: true });
    });

    it('guessScheme guesses the same', () => compareMany(python, subjects.guessSchemes));
    it('applicationUri makes the same URI', () => compareMany(python, subjects.applicationUris));
    it('requestUri makes the same URI', () => compareMany(python, subjects.requestUris));
    it('shiftPathInfo shifts the same', () => compareMany(python, subjects.pathShifts));
    it('setupTestingDefaults fills in the same', () =>
      compareMany(python, subjects.testingDefaults));
    it('isHopByHop knows the same fields', () => compareMany(python, subjects.hopByHops));
    it('formatDateTime writes the same date', () => compareMany(python, subjects.dateTimes));
    it('wsgiToUtf8 decodes the same', () => compareMany(python, subjects.nativeDecoded));
    it('utf8ToWsgi encodes the same', () => compareMany(python, subjects.nativeEncoded));
    it('FileWrapper gives the same blocks', () => compareMany(python, fileWrappers));
    it('FileWrapper gives the same blocks of real files, from any position', async () => {
      const file = join(folder, 'data');
      await writeFile(file, Buffer.from(Array.from({ length: 700 }, (_, i) => i % 251)));
      await compareMany(python, filesWrapped(file, 700));
    });

    const witnesses: Record<DifferencesOf<'util'>, () => Promise<string | undefined>> = {
      'uri-script-name-slash': () =>
        compareOne(python, subjects.applicationUris, {
          environ: { 'wsgi.url_scheme': 'http', HTTP_HOST: 'good', SCRIPT_NAME: '.evil.example' },
        }),
      'uri-path-info-slash': () =>
        compareOne(python, subjects.requestUris, {
          environ: { 'wsgi.url_scheme': 'http', HTTP_HOST: 'good', PATH_INFO: '*' },
          includeQuery: true,
        }),
      'date-year-digits': () => compareOne(python, subjects.dateTimes, { seconds: -30641760000 }),
      'date-range': () => compareOne(python, subjects.dateTimes, { seconds: 253402300800 }),
      'testing-defaults-whole': () => compareOne(python, subjects.testingDefaults, { environ: {} }),
      'file-wrapper-blksize': () =>
        compareOne(python, fileWrappers, { blocks: ['a'], blksize: [0], closable: false }),
      'file-wrapper-bytes': () =>
        compareOne(python, fileWrappers, {
          blocks: [{ text: 'a' }],
          blksize: [],
          closable: false,
        }),
    };

    it.each(Object.entries(witnesses))('the intended difference %s is one', async (id, witness) => {
      expect(await witness()).toBe(id);
    });
  },
);
