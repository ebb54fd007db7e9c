import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { type FileLike, FileWrapper, formatDateTime } from '@wsgi/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const onLinux = process.platform === 'linux';

let folder: string;
let path: string;
const handles: FileHandle[] = [];
const data = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-wrapper-'));
  path = join(folder, 'data');
  await writeFile(path, data);
});
afterEach(async () => {
  for (const handle of handles.splice(0)) await handle.close();
});
afterAll(() => rm(folder, { recursive: true }));

const opened = async (name = path): Promise<FileHandle> => {
  const handle = await open(name);
  handles.push(handle);
  return handle;
};

const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
};

const blocks = (...texts: Array<string | null>) => ({
  asked: [] as number[],
  read(size: number): Uint8Array | null {
    this.asked.push(size);
    const text = texts.shift() ?? null;
    return text === null ? null : Buffer.from(text);
  },
});

describe('a FileWrapper of a file-like object', () => {
  it.each<[string, (wrapper: FileWrapper) => Promise<Uint8Array[]>]>([
    ['without waiting', async (wrapper) => [...wrapper]],
    ['with waiting', collect],
  ])('gives what read gives, %s, up to null or an empty block', async (_, drain) => {
    for (const end of [null, '']) {
      const file = blocks('ab', 'c', end, 'never');
      expect((await drain(new FileWrapper(file, 2))).map(String)).toEqual(['ab', 'c']);
      expect(file.asked).toEqual([2, 2, 2]);
    }
  });

  it('asks for 8192 bytes unless told', () => {
    const file = blocks();
    expect([...new FileWrapper(file)]).toEqual([]);
    expect(file.asked).toEqual([8192]);
  });

  it('reads nothing before it is asked to', () => {
    const file = blocks('a', 'b');
    const iterator = new FileWrapper(file)[Symbol.iterator]();
    expect(file.asked).toEqual([]);
    iterator.next();
    expect(file.asked).toHaveLength(1);
  });

  it('waits for promised blocks when iterated with waiting', async () => {
    const file = blocks('a', 'b');
    const wrapper = new FileWrapper({
      read: async (size: number) => file.read(size),
    });
    expect((await collect(wrapper)).map(String)).toEqual(['a', 'b']);
  });

  it('refuses promised blocks otherwise, and leaves no rejection behind', async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    const wrapper = new FileWrapper({
      read: () => Promise.reject(new Error('disk')),
    });
    expect(() => [...wrapper]).toThrow(
      /returned a promise; iterate its FileWrapper with `for await`/,
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
  });

  it('takes bytes and dates of another realm, such as a test runner makes', async () => {
    const foreign: unknown = runInNewContext('new Uint8Array([65])');
    const blocks = [foreign];
    const wrapper = new FileWrapper({ read: () => (blocks.shift() ?? null) as Uint8Array | null });
    expect((await collect(wrapper)).map((block) => block[0])).toEqual([65]);
    expect(formatDateTime(runInNewContext('new Date(0)'))).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
  });

  it('refuses blocks that are no bytes', async () => {
    const wrapper = new FileWrapper({ read: () => 'text' as never });
    expect(() => [...wrapper]).toThrow(/must give a Uint8Array or null, not 'text'/);
    await expect(collect(wrapper)).rejects.toThrow(/must give a Uint8Array or null, not 'text'/);
  });

  it('has close only when the file has, and calls it on the file', async () => {
    expect('close' in new FileWrapper(blocks())).toBe(false);
    const file = {
      closed: 0,
      read: () => null,
      close(): Promise<void> {
        this.closed += 1;
        return Promise.resolve();
      },
    };
    await new FileWrapper(file).close?.();
    expect(file.closed).toBe(1);
  });

  it.each([
    [12, 12],
    [0, 0],
    [undefined, undefined],
    [-1, undefined],
    [1.5, undefined],
    ['12', undefined],
  ])('has of the stated size %j the size %j', (stated, size) => {
    const file = { read: () => null, size: stated } as FileLike;
    expect(new FileWrapper(file).size()).toBe(size);
  });
});

describe('a FileWrapper of a FileHandle', () => {
  it('gives the file in blocks, with and without waiting', async () => {
    const waited = await collect(new FileWrapper(await opened(), 300));
    const read = [...new FileWrapper(await opened(), 300)];
    for (const chunks of [waited, read]) {
      expect(chunks.map((chunk) => chunk.length)).toEqual([300, 300, 300, 100]);
      expect(Buffer.concat(chunks).equals(data)).toBe(true);
    }
  });

  it('begins at the current position', async () => {
    for (const drain of [collect, async (wrapper: FileWrapper) => [...wrapper]]) {
      const handle = await opened();
      await handle.read(Buffer.alloc(990), 0, 990, null);
      expect(Buffer.concat(await drain(new FileWrapper(handle))).equals(data.subarray(990))).toBe(
        true,
      );
    }
  });

  it.runIf(onLinux)('knows how many bytes are left, and asking moves nothing', async () => {
    const handle = await opened();
    const wrapper = new FileWrapper(handle);
    expect(await wrapper.size()).toBe(1000);
    await handle.read(Buffer.alloc(400), 0, 400, null);
    expect(await wrapper.size()).toBe(600);
    expect(Buffer.concat(await collect(wrapper)).length).toBe(600);
    expect(await wrapper.size()).toBe(0);
  });

  it.runIf(onLinux)('knows that an empty file is empty, and that one of /proc is not', async () => {
    const empty = join(folder, 'empty');
    await writeFile(empty, '');
    expect(await new FileWrapper(await opened(empty)).size()).toBe(0);
    const status = new FileWrapper(await opened('/proc/self/status'));
    expect(await status.size()).toBeUndefined();
    expect(String(Buffer.concat(await collect(status)))).toContain('Name:');
    expect(readFileSync('/proc/self/status').length).toBeGreaterThan(0);
  });

  it.runIf(onLinux)('does not know the size of a pipe or a device', async () => {
    expect(await new FileWrapper(await opened('/dev/null')).size()).toBeUndefined();
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const handle = await open(fifo, 'r+');
    handles.push(handle);
    expect(await new FileWrapper(handle).size()).toBeUndefined();
  });

  it('does not know the size of a file that cannot be asked; reading it says why', async () => {
    const handle = await open(path);
    await handle.close();
    const wrapper = new FileWrapper(handle);
    expect(await wrapper.size()).toBeUndefined();
    await expect(collect(wrapper)).rejects.toMatchObject({ code: 'EBADF' });
    expect(() => [...wrapper]).toThrow();
  });

  it('closes it', async () => {
    const handle = await open(path);
    await new FileWrapper(handle).close?.();
    expect(handle.fd).toBe(-1);
  });
});

describe('the arguments of a FileWrapper', () => {
  it.each([null, undefined, 'path', Buffer.from('bytes'), {}])('%j is no file', (file) => {
    expect(() => new FileWrapper(file as never)).toThrow(
      /wants a FileHandle or an object with a method read\(size\), not/,
    );
  });

  it('a stream is no file, though it has read: an empty body would come of it', async () => {
    const stream = createReadStream(path);
    expect(() => new FileWrapper(stream as never)).toThrow(/Return the stream itself as the body/);
    stream.destroy();
    await once(stream, 'close');
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null])(
    '%j is no block size',
    (size) => {
      expect(() => new FileWrapper(blocks(), size as never)).toThrow(
        /blksize must be a positive integer, not/,
      );
    },
  );
});

it.each([
  ['a number fd, and no stat()', { fd: 1 }],
  ['stat(), and an fd that is no number', { fd: 'one', stat() {} }],
])('a file-like object with %s is read by its own read(size)', async (_what, parts) => {
  const texts = ['ab', 'c'];
  const read = (size: number) => {
    expect(size).toBe(8192);
    return Buffer.from(texts.shift() ?? '');
  };
  const filelike = { ...parts, read };
  expect(String(Buffer.concat(await collect(new FileWrapper(filelike))))).toBe('abc');
});
