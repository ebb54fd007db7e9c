/** Faults of the machine under every host: what a client is told is true, and the next request is served. */
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Application, FileLike } from '@wsgi/core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../hosts/client/index.ts';
import type { Host, Served } from '../hosts/stage.ts';
import { hosts } from './hosts.ts';

const ok: Application = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from('ok')];
};

/** Serves `app`, and beside it a page that must be served whatever becomes of `app`. */
async function serve(host: Host, app: Application): Promise<Served> {
  const served = await host.serve(
    (environ, startResponse) => (environ.QUERY_STRING === 'ok' ? ok : app)(environ, startResponse),
    {},
  );
  onTestFinished(() => served.close());
  return served;
}

async function fetch(served: Served, target: string) {
  const connection = await connect(served);
  const response = await connection.start({ target }).response;
  connection.close();
  return response;
}

async function bigFile(size: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wsgi-torture-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  await writeFile(path, Buffer.alloc(size, 'a'));
  return path;
}

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
    const response = await fetch(served, '/');
    expect(response.complete).toBe(false);
    expect(response.body.length).toBeLessThanOrEqual(1_000_000);
    await expect.poll(() => closed, { timeout: 10_000 }).toBe(1);
    await expect
      .poll(served.reported, { timeout: 10_000 })
      .toContain('short of its Content-Length');
    expect((await fetch(served, '/?ok')).text).toBe('ok');
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
    const response = await fetch(served, '/');
    expect(response.complete).toBe(false);
    await expect.poll(() => closed, { timeout: 10_000 }).toBe(1);
    await expect.poll(served.reported, { timeout: 10_000 }).toContain('EIO');
    expect((await fetch(served, '/?ok')).text).toBe('ok');
  });

  it('serves on while the clock jumps', async () => {
    const served = await serve(host, ok);
    const real = Date.now();
    for (const jump of [86_400_000, -86_400_000, -real, 2 ** 40, 0]) {
      const clock = vi.spyOn(Date, 'now').mockImplementation(() => real + jump);
      try {
        expect((await fetch(served, '/')).text).toBe('ok');
      } finally {
        clock.mockRestore();
      }
    }
    expect(served.reported()).toBe('');
  });
});
