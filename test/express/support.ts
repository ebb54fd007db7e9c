import { once } from 'node:events';
import {
  createServer,
  get,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import consumers from 'node:stream/consumers';
import type { Application, ErrorStream } from '@wsgi/core';
import { TextErrors } from '@wsgi/core';
import express5 from 'express';
import express4 from 'express4';
import { onTestFinished } from 'vitest';

export type Express = typeof express5;

/**
 * Both majors under one type: what the tests use of them is alike. `types.test.ts` is where each major's own types
 * are held against the adapter.
 */
export const versions: ReadonlyArray<{ version: string; express: Express }> = [
  { version: 'Express 4', express: express4 as unknown as Express },
  { version: 'Express 5', express: express5 },
];

/** Serves a listener on a free port until the test is over; gives the server's origin. */
export async function serve(listener: RequestListener): Promise<string> {
  return originOf(await listen(createServer(listener)));
}

export async function listen(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return server;
}

export function originOf(server: Server): string {
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

/** An application that answers every request with one text. */
export function text(body: string, status = '200 OK'): Application {
  return (_environ, startResponse) => {
    startResponse(status, [['Content-Type', 'text/plain']]);
    return [Buffer.from(body)];
  };
}

/** A `wsgi.errors` to look into. */
export function recorder(): { errors: ErrorStream; lines: string[] } {
  const lines: string[] = [];
  return { errors: new TextErrors((line) => lines.push(line)), lines };
}

/** An application that answers with these entries of its environ, as JSON. */
export function echo(...keys: string[]): Application {
  return (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'application/json']]);
    return [
      Buffer.from(JSON.stringify(Object.fromEntries(keys.map((key) => [key, environ[key]])))),
    ];
  };
}

/** What a GET answers as JSON. The target goes out as it is, and Host can be set, which fetch does not allow. */
export async function getJson(
  origin: string,
  target: string,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const { hostname, port } = new URL(origin);
  const request = get({ hostname, port, path: target, headers, agent: false });
  const [response] = await once(request, 'response');
  const body: string = await consumers.text(response);
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${body}`);
  return JSON.parse(body);
}

/** A turnstile: each `open` lets one `passed` through, whichever comes first. */
export function gate<T = void>(): { open(value: T): void; passed(): Promise<T> } {
  const values: T[] = [];
  const waiting: Array<(value: T) => void> = [];
  return {
    open(value) {
      const next = waiting.shift();
      if (next === undefined) values.push(value);
      else next(value);
    },
    async passed() {
      if (values.length > 0) return values.shift() as T;
      return await new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** A GET whose body comes as it is on the wire, but for the chunked coding. */
export async function rawGet(
  origin: string,
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: Buffer }> {
  const [response] = await once(get(origin, { headers, agent: false }), 'response');
  const body = await consumers.buffer(response);
  return { status: response.statusCode, headers: response.headers, body };
}
