import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ChangeFeed } from '../../examples/file-drop/dist/events.js';
import { Storage } from '../../examples/file-drop/dist/storage.js';

const folder = await mkdtemp(join(tmpdir(), 'file-drop-test-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
});

describe('The feed of changes', () => {
  const change = { type: 'deleted', file: { name: 'a' } } as const;
  const text = (chunk: IteratorResult<Uint8Array>): string => Buffer.from(chunk.value).toString();

  it('forgets a client that goes while it waits', async () => {
    const feed = new ChangeFeed();
    const client = new AbortController();
    const body = feed.listen(client.signal);
    expect(feed.size).toBe(0);
    await body.next();
    expect(feed.size).toBe(1);
    const waiting = body.next();
    client.abort();
    expect((await waiting).done).toBe(true);
    expect(feed.size).toBe(0);
  });

  it('forgets a client whose body is closed between two chunks', async () => {
    const feed = new ChangeFeed();
    const body = feed.listen(new AbortController().signal);
    await body.next();
    await body.return();
    expect(feed.size).toBe(0);
  });

  it('keeps changes in order for a client that is slow', async () => {
    const feed = new ChangeFeed();
    const body = feed.listen(new AbortController().signal);
    await body.next();
    feed.publish({ type: 'deleted', file: { name: 'first' } });
    feed.publish({ type: 'deleted', file: { name: 'second' } });
    expect(text(await body.next())).toContain('first');
    expect(text(await body.next())).toContain('second');
    await body.return();
  });

  it('ends the stream of a client that lets too many changes pile up', async () => {
    const feed = new ChangeFeed();
    const body = feed.listen(new AbortController().signal);
    await body.next();
    for (let count = 0; count < 1_001; count += 1) feed.publish(change);
    expect((await body.next()).done).toBe(true);
    expect(feed.size).toBe(0);
  });

  it('says something when nothing happens', async () => {
    const feed = new ChangeFeed(1);
    const body = feed.listen(new AbortController().signal);
    await body.next();
    expect(text(await body.next())).toMatch(/^: .*\n\n$/);
    await body.return();
  });

  it('begins no stream once it has ended', async () => {
    const feed = new ChangeFeed();
    feed.end();
    const body = feed.listen(new AbortController().signal);
    await body.next();
    expect((await body.next()).done).toBe(true);
  });
});

describe('The storage', () => {
  const storage = new Storage(folder);
  async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
    for (const text of texts) yield Buffer.from(text);
  }

  it('follows no link out of its folder', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'file-drop-outside-'));
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(join(outside, 'secret'), join(folder, 'link'));
    expect(await storage.open('link')).toBeUndefined();
    expect(await storage.list()).toEqual([]);
    expect(await storage.remove('link')).toBe(false);
    await storage.save('link', chunks('new'));
    expect((await storage.list())[0]).toMatchObject({ name: 'link', size: 3 });
    expect((await readdir(outside)).length).toBe(1);
    await rm(outside, { recursive: true });
  });

  it('goes on with the version that a reader opened, and names each anew', async () => {
    const { info } = await storage.save('a', chunks('old'));
    const opened = await storage.open('a');
    const later = await storage.save('a', chunks('new'));
    expect(later.created).toBe(false);
    expect(later.info.etag).not.toBe(info.etag);
    expect(opened?.info.etag).toBe(info.etag);
    expect((await opened?.handle.readFile())?.toString()).toBe('old');
    await opened?.handle.close();
  });

  it('shows nothing of a file before it is whole, and takes chunks one at a time', async () => {
    let asked = 0;
    async function* slow(): AsyncGenerator<Uint8Array> {
      for (asked = 1; asked <= 3; asked += 1) {
        expect(await storage.list()).toEqual([]);
        yield Buffer.alloc(10);
      }
    }
    await storage.save('a', slow());
    expect(asked).toBe(4);
    expect((await storage.list()).map(({ size }) => size)).toEqual([30]);
  });

  it('leaves nothing when the source fails', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('part');
      throw new Error('gone');
    }
    await expect(storage.save('a', broken())).rejects.toThrow('gone');
    expect(await readdir(folder)).toEqual([]);
  });
});
