import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
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
