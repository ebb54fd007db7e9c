/** The example of `npm start`, in each of its servers, with validators around it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Application } from '@wsgi/core';
import { validator } from '@wsgi/core/validate';
import { afterEach, describe, expect, it } from 'vitest';
import { createFileDrop } from '../../examples/file-drop/dist/app.js';
import { hosts } from '../../examples/file-drop/dist/servers.js';

const problems: unknown[] = [];
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Middleware that keeps what the application throws, and else hands everything on. */
function watched(app: Application): Application {
  return async (environ, startResponse) => {
    try {
      const body = await app(environ, startResponse);
      return watchedBody(body);
    } catch (error) {
      problems.push(error);
      throw error;
    }
  };
}

async function* watchedBody(body: Awaited<ReturnType<Application>>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    problems.push(error);
    throw error;
  } finally {
    await body.close?.();
  }
}

async function start(host: (typeof hosts)[number]): Promise<string> {
  problems.length = 0;
  const hear = (warning: Error) => problems.push(warning);
  process.on('warning', hear);
  cleanups.push(() => process.off('warning', hear));
  const folder = await mkdtemp(join(tmpdir(), 'validated-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const app = validator(watched(validator(createFileDrop(folder))));
  const { port, stop } = await host.start(app, '127.0.0.1', 0);
  cleanups.push(() => stop(0));
  return `http://127.0.0.1:${port}${host.mount}`;
}

describe.each(hosts.map((host) => [host.name, host] as const))(
  'The file drop in %s',
  (_name, host) => {
    it('breaks no rule, and neither does its server', async () => {
      const url = await start(host);
      const ask = async (method: string, path: string, more: RequestInit = {}) => {
        const response = await fetch(url + path, { method, ...more });
        return { status: response.status, text: await response.text(), headers: response.headers };
      };
      const answers = [
        await ask('GET', '/'),
        await ask('HEAD', '/'),
        await ask('GET', '/page.css'),
        await ask('PUT', '/files/a%20b.txt', { body: 'x'.repeat(200_000) }),
        await ask('PUT', '/files/a%20b.txt', { body: 'hello' }),
        await ask('GET', '/files'),
        await ask('HEAD', '/files/a%20b.txt'),
        await ask('GET', '/files/a%20b.txt'),
        await ask('POST', '/files'),
        await ask('GET', '/nothing'),
      ];
      expect(answers.map(({ status }) => status)).toEqual([
        200, 200, 200, 201, 200, 200, 200, 200, 405, 404,
      ]);
      const { text, headers } = answers[7] ?? {};
      expect(text).toBe('hello');
      const known = { headers: { 'If-None-Match': headers?.get('ETag') ?? '' } };
      expect(await ask('GET', '/files/a%20b.txt', known)).toMatchObject({ status: 304 });
      expect(await ask('DELETE', '/files/a%20b.txt')).toMatchObject({ status: 204 });
      expect(problems).toEqual([]);
    });

    it('breaks none in a live stream that its client leaves', async () => {
      const url = await start(host);
      const leaving = new AbortController();
      const events = await fetch(`${url}/events`, { signal: leaving.signal });
      const reader = events.body?.getReader();
      const first = reader?.read();
      await fetch(`${url}/files/a.txt`, { method: 'PUT', body: 'hello' });
      expect((await first)?.value?.length).toBeGreaterThan(0);
      leaving.abort();
      await reader?.closed.catch(() => {});
      expect((await fetch(`${url}/files`)).status).toBe(200);
      expect(problems).toEqual([]);
    });
  },
);
