/** FileWrapper, on files that answer as they are told and on real ones. */
import { open } from 'node:fs/promises';
import { FileWrapper } from '@wsgi/core';
import * as fc from 'fast-check';
import type { Subject } from './compare.ts';
import { latin1 } from './util-subjects.ts';

type Block = string | { text: string };

export const fileWrappers: Subject<{ blocks: Block[]; blksize: number[]; closable: boolean }> = {
  op: 'file_wrapper',
  cases: fc.record({
    blocks: fc.array(
      fc.oneof(
        { weight: 30, arbitrary: latin1 as fc.Arbitrary<Block> },
        {
          weight: 1,
          arbitrary: fc.record({ text: fc.string({ minLength: 1 }) }, { noNullPrototype: true }),
        },
      ),
    ),
    blksize: fc.oneof(
      { weight: 9, arbitrary: fc.array(fc.integer({ min: 1, max: 1e6 }), { maxLength: 1 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, -1, 1.5).map((size) => [size]) },
    ),
    closable: fc.boolean(),
  }),
  here: async ({ blocks, blksize, closable }) => {
    const left = blocks.map((b) => (typeof b === 'string' ? Buffer.from(b, 'latin1') : b.text));
    const asked: number[] = [];
    let closed = closable ? 0 : null;
    const read = (size: number): Uint8Array => {
      asked.push(size);
      return (left.shift() ?? Buffer.alloc(0)) as Uint8Array;
    };
    const close = (): void => {
      closed = (closed ?? 0) + 1;
    };
    const wrapper = new FileWrapper(closable ? { read, close } : { read }, ...blksize);
    // Half of the cases are read with waiting, half without.
    const chunks: Uint8Array[] = [];
    if (blocks.length % 2 === 0) chunks.push(...wrapper);
    else for await (const chunk of wrapper) chunks.push(chunk);
    await wrapper.close?.();
    return { chunks: chunks.map((chunk) => Buffer.from(chunk).toString('latin1')), asked, closed };
  },
  row: ({ blocks, blksize }, _, ours) => {
    if (!('error' in ours)) return undefined;
    if (blksize.some((size) => size < 1 || !Number.isInteger(size))) return 'file-wrapper-blksize';
    if (blocks.some((block) => typeof block !== 'string')) return 'file-wrapper-bytes';
    return undefined;
  },
};

/** Real files, from any position. */
export const filesWrapped = (
  file: string,
  size: number,
): Subject<{ path: string; position: number; blksize: number }> => ({
  op: 'file_wrapper_of_file',
  cases: fc.record({
    path: fc.constant(file),
    position: fc.integer({ min: 0, max: size + 10 }),
    blksize: fc.integer({ min: 1, max: 2 * size }).map((n) => Math.max(n, 50)),
  }),
  here: async ({ path, position, blksize }) => {
    await using handle = await open(path);
    if (position > 0) await handle.read(Buffer.alloc(position), 0, position, null);
    const wrapper = new FileWrapper(handle, blksize);
    const chunks: Uint8Array[] = [];
    if (position % 2 === 0) chunks.push(...wrapper);
    else for await (const chunk of wrapper) chunks.push(chunk);
    return chunks.map((chunk) => Buffer.from(chunk).toString('latin1'));
  },
});
