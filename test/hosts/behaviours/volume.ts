import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Application, FileHandleLike } from '@wsgi/core';
import { FileWrapper, readChunks } from '@wsgi/core';
import { expect } from 'vitest';
import type { Behaviour, Stage } from '../stage.ts';
import { bytes, deferred, eventually, pause, settled, text } from './apps.ts';

const MiB = 1024 * 1024;
const total = 100 * MiB;

/** How much goes by between two looks at the memory: a look takes a full collection, as long as the heap is large. */
const stride = 8 * MiB;

/** More than the sockets' and Node's own buffers hold, far less than the body. */
const flat = 48 * MiB;

/** 100 MiB of 64 KiB blocks, each with its number in front, so that a lost or doubled block changes the hash. */
function* blocks(): Generator<Uint8Array> {
  for (let i = 0; i < total / 65_536; i++) {
    const block = Buffer.alloc(65_536, i & 255);
    block.writeUInt32BE(i);
    yield block;
  }
}

const expected = (() => {
  let known: string | undefined;
  return (): string => {
    if (known === undefined) {
      const hash = createHash('sha1');
      for (const block of blocks()) hash.update(block);
      known = hash.digest('hex');
    }
    return known;
  };
})();

setFlagsFromString('--expose-gc');
/** Only what is still reachable counts, not what the collector has not come to yet. */
const collectGarbage: () => void = runInNewContext('gc');

/** Watches what this process, server and client in one, holds beyond what it held at first. */
function memoryWatch(): { sample(): void; peak(): number } {
  const held = (): number => {
    collectGarbage();
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  };
  const before = held();
  let most = 0;
  return {
    sample() {
      most = Math.max(most, held() - before);
    },
    peak: () => most,
  };
}

/** Downloads from an application whose client stops reading for a while. */
async function download(stage: Stage, app: (made: () => void) => Application): Promise<void> {
  let made = 0;
  const memory = memoryWatch();
  const mounted = await stage.mount(
    app(() => {
      made++;
      if ((made * 65_536) % stride === 0) memory.sample();
    }),
  );
  const hash = createHash('sha1');
  const exchange = (await mounted.connect()).start({
    sink: (chunk) => void hash.update(chunk),
  });
  exchange.pause();
  await eventually(() => made > 0);
  const atStall = await settled(() => made);
  memory.sample();
  expect(atStall * 65_536).toBeLessThan(flat);
  exchange.resume();
  expect((await exchange.response).complete).toBe(true);
  expect(hash.digest('hex')).toBe(expected());
  expect(memory.peak()).toBeLessThan(flat);
}

/** Uploads to an application that does not read for a while. */
async function upload(stage: Stage, kind: 'unsized' | number): Promise<void> {
  const go = deferred();
  const memory = memoryWatch();
  const mounted = await stage.mount(async (environ, startResponse) => {
    await go.promise;
    const hash = createHash('sha1');
    let read = 0;
    for await (const chunk of readChunks(environ['wsgi.input'], 65_536)) {
      hash.update(chunk);
      // By bytes, since an HTTP/2 frame, and so a chunk, may hold a few only.
      const strides = Math.floor(read / stride);
      read += chunk.length;
      if (Math.floor(read / stride) > strides) memory.sample();
    }
    startResponse('200 OK', [...text]);
    return [bytes(hash.digest('hex'))];
  });
  const exchange = (await mounted.connect()).start({
    method: 'PUT',
    upload: kind,
  });
  let sent = 0;
  const sending = (async () => {
    for (const block of blocks()) {
      await exchange.send(block);
      sent += block.length;
    }
    exchange.finish();
  })();
  await settled(() => sent);
  memory.sample();
  expect(sent).toBeLessThan(flat);
  go.resolve();
  await sending;
  expect((await exchange.response).text).toBe(expected());
  expect(memory.peak()).toBeLessThan(flat);
}

/** A file that is read in small pieces whatever is asked for, as a pipe may be; each has its number in front. */
class SmallReads implements FileHandleLike {
  static readonly piece = 5000;
  static readonly pieces = 4000;
  readonly fd = -1;
  #made = 0;

  static contents(): Buffer {
    const { piece, pieces } = SmallReads;
    const all = Buffer.alloc(piece * pieces, 's');
    for (let i = 0; i < pieces; i++) all.writeUInt32BE(i, i * piece);
    return all;
  }

  async read(buffer: Uint8Array): Promise<{ bytesRead: number }> {
    if (this.#made === SmallReads.pieces) return { bytesRead: 0 };
    const piece = Buffer.from(buffer.buffer, buffer.byteOffset, SmallReads.piece).fill('s');
    piece.writeUInt32BE(this.#made++);
    return { bytesRead: piece.length };
  }

  async stat(): Promise<{ size: number; isFile(): boolean }> {
    return { size: 0, isFile: () => false };
  }

  async close(): Promise<void> {}
}

export const volume: Behaviour[] = [
  {
    name: '100 MiB from a generator to a client that stalls, in flat memory',
    run: (stage) =>
      download(
        stage,
        (made) =>
          function* (_environ, startResponse) {
            startResponse('200 OK', [...text]);
            for (const block of blocks()) {
              made();
              yield block;
            }
          },
      ),
  },
  {
    name: '100 MiB from an async generator under a Content-Length to a client that stalls, in flat memory',
    run: (stage) =>
      download(
        stage,
        (made) =>
          async function* (_environ, startResponse) {
            startResponse('200 OK', [...text, ['Content-Length', `${total}`]]);
            for (const block of blocks()) {
              made();
              yield block;
            }
          },
      ),
  },
  {
    name: 'a file whose reads are small arrives as it is at a client that stalls',
    async run(stage) {
      const mounted = await stage.mount((environ, startResponse) => {
        startResponse('200 OK', [...text]);
        const Wrapper = environ['wsgi.file_wrapper'] ?? FileWrapper;
        return new Wrapper(new SmallReads());
      });
      const exchange = (await mounted.connect()).start();
      exchange.pause();
      await pause(300);
      exchange.resume();
      const { body, complete } = await exchange.response;
      expect([body.equals(SmallReads.contents()), complete]).toEqual([true, true]);
    },
  },
  {
    name: '100 MiB uploaded under a Content-Length to an application that stalls, in flat memory',
    run: (stage) => upload(stage, total),
  },
  {
    name: '100 MiB uploaded without a length to an application that stalls, in flat memory',
    run: (stage) => upload(stage, 'unsized'),
  },
  {
    name: 'one chunk of 20 MiB arrives whole',
    async run(stage) {
      const chunk = Buffer.concat([Buffer.alloc(20 * MiB, 'x'), Buffer.from('end')]);
      const mounted = await stage.mount((_environ, startResponse) => {
        startResponse('200 OK', [...text]);
        return [chunk];
      });
      const response = await mounted.fetch();
      expect([response.body.equals(chunk), response.complete]).toEqual([true, true]);
    },
  },
];
