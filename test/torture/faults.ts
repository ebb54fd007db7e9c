/** What the tests of faults have in common. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Application } from '@wsgi/core';
import { expect, onTestFinished } from 'vitest';
import { type ClientResponse, connect } from '../hosts/client/index.ts';
import type { Host, Served } from '../hosts/stage.ts';

export const ok: Application = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from('ok')];
};

/**
 * Serves `app`, and beside it a page that must be served whatever becomes of `app`. When the test is over, nothing
 * must have gone unhandled.
 */
export async function serve(host: Host, app: Application): Promise<Served> {
  const noise: unknown[] = [];
  const hear = (problem: unknown): void => void noise.push(problem);
  const events = ['warning', 'unhandledRejection', 'uncaughtException'];
  for (const event of events) process.on(event, hear);
  const served = await host.serve(
    (environ, startResponse) => (environ.QUERY_STRING === 'ok' ? ok : app)(environ, startResponse),
    {},
  );
  onTestFinished(async () => {
    await served.close();
    await new Promise((resolve) => setImmediate(resolve));
    for (const event of events) process.off(event, hear);
    expect(noise, 'nothing is unhandled, nothing is warned of').toEqual([]);
  });
  return served;
}

/** One request on a connection of its own. */
export async function fetch(served: Served, target: string): Promise<ClientResponse> {
  const connection = await connect(served);
  const response = await connection.start({ target }).response;
  connection.close();
  return response;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wsgi-torture-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** The path of a file of so many bytes. */
export async function bigFile(size: number): Promise<string> {
  const path = join(await temporaryFolder(), 'file');
  await writeFile(path, Buffer.alloc(size, 'a'));
  return path;
}

/** Waits, for as long as a busy machine may take, until a value is what is expected of it. */
export const soon = <T>(value: () => T) => expect.poll(value);
