/** Faults of the machine under every host: what a client is told is true, and the next request is served. */
import { existsSync } from 'node:fs';
import { type FileHandle, open, truncate } from 'node:fs/promises';
import { type FileLike, type InputStream, readChunks } from '@wsgi/core';
import { describe, expect, it, vi } from 'vitest';
import { connect } from '../hosts/client/index.ts';
import type { Served } from '../hosts/stage.ts';
import { bigFile, fetch, ok, serve, soon } from './faults.ts';
import { hosts } from './hosts.ts';
import { enter, printLedger } from './ledger.ts';

printLedger();

/** A device that takes no byte: a write to it fails as on a disk that is full. */
const FULL = '/dev/full';
const hasFull = existsSync(FULL);
if (!hasFull) console.warn(`NOT TESTED: a full disk, since this system has no ${FULL}`);

/** Stores what it reads on the full disk; `onClose` is told when the file is closed. */
async function store(input: InputStream, onClose: () => void): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(FULL, 'w');
    for await (const chunk of readChunks(input)) await file.write(chunk);
  } finally {
    await file?.close();
    onClose();
  }
}

async function upload(served: Served, bytes: number) {
  const connection = await connect(served);
  const exchange = connection.start({ method: 'PUT', target: '/', body: Buffer.alloc(bytes) });
  const response = await exchange.response;
  connection.close();
  return response;
}

/** 1 when the next request is not served. */
const lostNext = async (served: Served): Promise<number> =>
  Number((await fetch(served, '/?ok')).text !== 'ok');

describe.each(hosts)('$name', (host) => {
  it('cuts the answer when a file is truncated under its wrapper, and closes the file', async () => {
    const path = await bigFile(8_000_000);
    let closed = 0;
    const served = await serve(host, async (environ, startResponse) => {
      const file = await open(path);
      const close = file.close.bind(file);
      file.close = () => {
        closed += 1;
        return close();
      };
      startResponse('200 OK', [['Content-Length', '8000000']]);
      await truncate(path, 1_000_000);
      return new environ['wsgi.file_wrapper'](file);
    });
    const { complete, body } = await fetch(served, '/');
    expect(body.length).toBeLessThanOrEqual(1_000_000);
    await soon(() => closed).toBe(1);
    await soon(served.reported).toContain('short of its Content-Length');
    const lost = Number(complete) + (await lostNext(served));
    enter('a file truncated under its wrapper', { 'answers cut': Number(!complete), lost });
  });

  it('cuts the answer when reading a file fails midway, reports the error and closes the file', async () => {
    let closed = 0;
    const served = await serve(host, (environ, startResponse) => {
      let reads = 0;
      const file: FileLike = {
        read: async () => {
          reads += 1;
          if (reads > 3) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
          return Buffer.alloc(10_000);
        },
        close: () => {
          closed += 1;
        },
      };
      startResponse('200 OK', []);
      return new environ['wsgi.file_wrapper'](file);
    });
    const { complete } = await fetch(served, '/');
    await soon(() => closed).toBe(1);
    await soon(served.reported).toContain('EIO');
    const lost = Number(complete) + (await lostNext(served));
    enter('a file whose reading fails', { 'answers cut': Number(!complete), lost });
  });

  it.runIf(hasFull)('answers 500 to an upload that the disk has no room for', async () => {
    let closed = 0;
    const served = await serve(host, async (environ, startResponse) => {
      await store(environ['wsgi.input'], () => {
        closed += 1;
      });
      return ok(environ, startResponse);
    });
    const { status, complete } = await upload(served, 300_000);
    expect(closed).toBe(1);
    await soon(served.reported).toContain('ENOSPC');
    const told = status === 500 && complete;
    const lost = Number(!told) + (await lostNext(served));
    enter('a full disk under an upload', { 'answered with 500': Number(told), lost });
  });

  it.runIf(hasFull)(
    'cuts an answer that had begun when the disk was found full, and closes its body',
    async () => {
      const closed: string[] = [];
      const served = await serve(host, (environ, startResponse) => {
        startResponse('200 OK', []);
        const body = (async function* () {
          yield Buffer.from('storing ');
          await store(environ['wsgi.input'], () => void closed.push('file'));
          yield Buffer.from('stored');
        })();
        return Object.assign(body, { close: () => void closed.push('body') });
      });
      const { complete, text } = await upload(served, 300_000);
      expect('storing '.startsWith(text)).toBe(true);
      await soon(() => closed).toEqual(['file', 'body']);
      await soon(served.reported).toContain('ENOSPC');
      const lost = Number(complete) + (await lostNext(served));
      enter('a full disk behind an answer', { 'answers cut': Number(!complete), lost });
    },
  );

  it('serves on while the clock jumps', async () => {
    const served = await serve(host, ok);
    const real = Date.now();
    let lost = 0;
    const jumps = [86_400_000, -86_400_000, -real, 2 ** 40, 0];
    for (const jump of jumps) {
      const clock = vi.spyOn(Date, 'now').mockImplementation(() => real + jump);
      try {
        lost += await lostNext(served);
      } finally {
        clock.mockRestore();
      }
    }
    expect(served.reported()).toBe('');
    enter('a clock that jumps', { answered: jumps.length - lost, lost });
  });
});
