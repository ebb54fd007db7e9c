/** A handler for one request, over an output that can be full, and what the tests of handlers share. */
import { EventEmitter } from 'node:events';
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Application,
  BodyInput,
  emptySource,
  type OutputStream,
  type ResponseBody,
  SimpleHandler,
  TextErrors,
} from '@wsgi/core';
import { onTestFinished } from 'vitest';

/** A stream that takes `room` writes before it is full. */
export class Output extends EventEmitter implements OutputStream {
  written = '';
  destroyed = false;
  room = Number.POSITIVE_INFINITY;

  write(data: Uint8Array): boolean {
    this.written += Buffer.from(data).toString('latin1');
    this.room -= 1;
    return this.room > 0;
  }

  drain(room = Number.POSITIVE_INFINITY): void {
    this.room = room;
    this.emit('drain');
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }

  get body(): string {
    return this.written.slice(this.written.indexOf('\r\n\r\n') + 4);
  }
}

/** A handler with its output, and what reached `wsgi.errors`. */
export function stage<Out extends OutputStream = Output>(variables: object = {}, stdout?: Out) {
  const output = stdout ?? new Output();
  const log: string[] = [];
  const errors = new TextErrors((text) => log.push(text));
  const environ = { REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.0', ...variables };
  const handler = new SimpleHandler(new BodyInput(emptySource), output, errors, environ);
  return { handler, output: output as Out, log };
}

/** An application that answers 200 with a body. */
export const answering =
  (body: ResponseBody, headers: [string, string][] = []): Application =>
  (_environ, startResponse) => {
    startResponse('200 OK', headers);
    return body;
  };

/** Lets everything run that waits for nothing but its turn. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A body that says in `log` what is done with it. */
export function loggedBody(chunks: Iterable<string>, log: string[]) {
  return {
    *[Symbol.iterator]() {
      try {
        for (const chunk of chunks) {
          log.push(`made ${chunk}`);
          yield Buffer.from(chunk);
        }
      } finally {
        log.push('returned');
      }
    },
    close: () => {
      log.push('closed');
    },
  };
}

/** A file of these contents, opened. */
export async function opened(contents: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'sendfile-'));
  const path = join(folder, 'file');
  await writeFile(path, contents);
  const handle = await open(path);
  onTestFinished(async () => {
    await handle.close();
    await rm(folder, { recursive: true });
  });
  return handle;
}
