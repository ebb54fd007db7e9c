/** A file's blocks are read into the same memory again where nobody can hold the last one any more, and only there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from '@wsgi/core';
import { fastifyGateway } from '@wsgi/fastify';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { host, listen, TEXT } from './support.ts';

const BLOCKS = 16;
const content = Buffer.alloc(BLOCKS * 256 * 1024);
for (let at = 0; at < content.length; at += 4) content.writeUInt32LE(at, at);

/** Serves the file, behind what is written `ahead` of it; gives what the client got, and into how many pieces of memory the file was read. */
async function serve(
  prepare: (app: FastifyInstance) => void = () => {},
  ahead: readonly Buffer[] = [],
  options: FastifyHttpOptions<Server> = {},
): Promise<[whole: boolean, memory: number]> {
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-blocks-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'content');
  writeFileSync(path, content);
  const memory = new Set<unknown>();
  const file: Application = async (environ, startResponse) => {
    const handle = await open(path);
    const read = handle.read.bind(handle) as (...args: unknown[]) => never;
    handle.read = (...args: unknown[]) => {
      memory.add((args[0] as Buffer).buffer);
      return read(...args);
    };
    const write = startResponse('200 OK', TEXT);
    const [first, ...others] = ahead;
    if (first !== undefined) await write(first);
    for (const chunk of others) write(chunk);
    return new environ['wsgi.file_wrapper'](handle);
  };
  const { app } = host(options);
  prepare(app);
  await app.register(fastifyGateway, { app: file });
  const got = await slowly(await listen(app));
  return [got.equals(Buffer.concat([...ahead, content])), memory.size];
}

/** Fetches at a pace that lets the server's side of the connection fill up. */
function slowly(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) {
        chunks.push(chunk);
        if (chunks.length % 8 === 0) await sleep(1);
      }
      resolve(Buffer.concat(chunks));
    });
    asked.on('error', reject).end();
  });
}

it('a file that Fastify pipes to the response is read into the same memory again', async () => {
  const [whole, memory] = await serve();
  expect(whole).toBe(true);
  // The first blocks come before Fastify has begun to pipe.
  expect(memory).toBeLessThan(BLOCKS / 2);
});

it('a file is sent whole by a server that takes more than its blocks at once', async () => {
  const [whole] = await serve(undefined, [], { http: { highWaterMark: 1024 * 1024 } });
  expect(whole).toBe(true);
});

it('a file behind much that was written without waiting is sent as it is', async () => {
  const ahead = Array.from({ length: 4 }, (_, at) => Buffer.alloc(4 * 1024 * 1024, at));
  const [whole] = await serve(undefined, ahead);
  expect(whole).toBe(true);
});

describe('a file is read into new memory for each block', () => {
  it('where a hook listens for the chunks as well', async () => {
    const kept: Buffer[] = [];
    const [whole, memory] = await serve((app) =>
      app.addHook('onSend', async (_request, _reply, payload: NodeJS.ReadableStream) => {
        payload.on('data', (chunk: Buffer) => kept.push(chunk));
        return payload;
      }),
    );
    expect([whole, memory]).toEqual([true, BLOCKS]);
    expect(Buffer.concat(kept).equals(content)).toBe(true);
  });

  it('for as long as a hook listens for the chunks as well', async () => {
    const kept: Buffer[] = [];
    const [whole, memory] = await serve((app) =>
      app.addHook('onSend', async (_request, _reply, payload: NodeJS.ReadableStream) => {
        payload.on('data', function look(chunk: Buffer) {
          if (kept.push(chunk) === 4) payload.off('data', look);
        });
        return payload;
      }),
    );
    expect([whole, memory < BLOCKS]).toEqual([true, true]);
    const seen = Buffer.concat(kept);
    expect(seen.equals(content.subarray(0, seen.length))).toBe(true);
  });

  it('where somebody takes it away from the response in the middle', async () => {
    const kept: Buffer[] = [];
    const [whole] = await serve((app) =>
      app.addHook('onSend', async (_request, { raw }, payload: NodeJS.ReadableStream) => {
        payload.on('data', function take(chunk: Buffer) {
          if (kept.push(chunk) !== 4) return;
          payload.off('data', take).unpipe(raw);
          payload.on('data', (next: Buffer) => {
            kept.push(next);
            raw.write(Buffer.from(next));
          });
          payload.on('end', () => raw.end()).resume();
        });
        return payload;
      }),
    );
    expect(whole).toBe(true);
    expect(Buffer.concat(kept).equals(content)).toBe(true);
  });

  it('where a hook makes another stream of it', async () => {
    const [whole, memory] = await serve((app) =>
      app.addHook('onSend', async (_request, _reply, payload: NodeJS.ReadableStream) =>
        payload.pipe(new PassThrough({ highWaterMark: 1024 * 1024 })),
      ),
    );
    expect([whole, memory]).toEqual([true, BLOCKS]);
  });

  it('where somebody has replaced what the response writes with', async () => {
    const kept: unknown[] = [];
    const [whole, memory] = await serve((app) =>
      app.addHook('onRequest', async (_request, { raw }) => {
        const write = raw.write.bind(raw) as (...args: unknown[]) => never;
        raw.write = (...args: unknown[]) => {
          kept.push(args[0]);
          return write(...args);
        };
      }),
    );
    expect([whole, memory]).toEqual([true, BLOCKS]);
    expect(Buffer.concat(kept as Buffer[]).equals(content)).toBe(true);
  });
});
