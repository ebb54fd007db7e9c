import type { Application, Environ, HeaderList, StartResponse } from '@wsgi/core';
import { expect } from 'vitest';
import type { ClientResponse, RequestSpec } from '../client/index.ts';
import type { Mounted, MountOptions, Stage } from '../stage.ts';

export const text: HeaderList = [['Content-Type', 'text/plain']];
export const bytes = (data: string): Uint8Array => Buffer.from(data);

/** The shortest right answer. */
export function ok(startResponse: StartResponse, body = 'ok'): Uint8Array[] {
  startResponse('200 OK', [...text]);
  return [bytes(body)];
}

/** Mounts an application that keeps its environ, sends one request, and gives what it saw. */
export async function environOf(
  stage: Stage,
  spec: RequestSpec = {},
  options: MountOptions = {},
): Promise<{ environ: Environ; mounted: Mounted; response: ClientResponse }> {
  const seen: Environ[] = [];
  const app: Application = (environ, startResponse) => {
    seen.push(environ);
    return ok(startResponse);
  };
  const mounted = await stage.mount(app, options);
  const response = await mounted.fetch(spec);
  expect(response.status).toBe(200);
  const [environ, ...more] = seen;
  if (environ === undefined || more.length > 0) throw new Error(`called ${seen.length} times`);
  return { environ, mounted, response };
}

/** `SCRIPT_NAME|PATH_INFO|QUERY_STRING|REQUEST_URI`, to compare a request's whole path at a glance. */
export const pathOf = (environ: Environ): string =>
  [environ.SCRIPT_NAME, environ.PATH_INFO, environ.QUERY_STRING, environ.REQUEST_URI].join('|');

/** A promise to settle from outside. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until `holds`; the test's own time limit is the only one. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2);
}

/** Waits until a count has stopped growing: the transport is full, or all is done. */
export async function settled(count: () => number): Promise<number> {
  let before = count();
  for (let same = 0; same < 8; ) {
    await pause(15);
    const now = count();
    same = now === before ? same + 1 : 0;
    before = now;
  }
  return before;
}

/**
 * Asserts a whole 500 that tells strangers nothing: no stack, no path, no message of the application's.
 *
 * Fastify's own error handler shows the message of the error that it was given, of this route as of any other: that
 * is the host's to decide. So there, and only there, that message may stand in the page.
 */
export function expectPlain500(mounted: Mounted, response: ClientResponse, secret: string): void {
  expect(response.status).toBe(500);
  expect(response.complete).toBe(true);
  let page = response.text;
  for (const error of mounted.host.showsMessages ? (mounted.handed ?? []) : []) {
    if (error instanceof Error) page = page.replace(JSON.stringify(error.message), '');
  }
  expect(page).not.toMatch(/\bat .*[:(]\d+|node_modules|\.[jt]s\b/);
  expect(page).not.toContain(secret);
  for (const [, value] of response.headers) expect(value).not.toContain(secret);
}
