import { EventEmitter, once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import {
  type Application,
  BodyInput,
  emptySource,
  type OutputStream,
  SimpleHandler,
  TextErrors,
  validator,
} from '@wsgi/core';
import { setupTestingDefaults } from '@wsgi/core/util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A transport that is full from the first write on, until it is drained. */
class Output extends EventEmitter implements OutputStream {
  full = true;

  write(): boolean {
    return !this.full;
  }

  drain(): void {
    this.full = false;
    this.emit('drain');
  }
}

function stage() {
  const environ = {};
  setupTestingDefaults(environ);
  const output = new Output();
  const log: string[] = [];
  const errors = new TextErrors((text) => log.push(text));
  const handler = new SimpleHandler(new BodyInput(emptySource), output, errors, environ);
  return { handler, output, log };
}

/** Its end, which `once` of node:events would not wait for: it rejects at an error. */
const closed = (body: Readable) => new Promise((resolve) => body.on('close', resolve));

/** Nothing is written yet, and the transport is full: a body has to wait. */
const afterWrite =
  (body: Readable): Application =>
  (_environ, startResponse) => {
    const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
    void write(Buffer.from('first'));
    return body;
  };

/** Answers when the client has gone. */
const tooLate =
  (body: () => Readable): Application =>
  async (environ, startResponse) => {
    await once(environ['gateway.signal'](), 'abort');
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return body();
  };

describe('a stream that is the body and fails while nobody iterates it', () => {
  let uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  let others: NodeJS.UncaughtExceptionListener[] = [];

  beforeEach(() => {
    uncaught = [];
    others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', note);
  });
  afterEach(() => {
    process.off('uncaughtException', note);
    for (const other of others) process.on('uncaughtException', other);
  });

  for (const [where, wrap] of [
    ['', (app: Application) => app],
    [' within the validator', validator],
  ] as const) {
    it(`because the transport is full is an error like any other${where}`, async () => {
      const { handler, output, log } = stage();
      const body = createReadStream('/nowhere/at/all');
      const running = handler.run(wrap(afterWrite(body)));
      await closed(body);
      output.drain();
      await running;
      expect(log.join('')).toContain('ENOENT');
      expect(uncaught).toEqual([]);
    });

    it(`because the client has gone does not end the process${where}`, async () => {
      const { handler } = stage();
      const ends: Promise<unknown>[] = [];
      const running = handler.run(
        wrap(
          tooLate(() => {
            const body = createReadStream('/nowhere/at/all');
            ends.push(closed(body));
            return body;
          }),
        ),
      );
      handler.handleDisconnect();
      await running;
      await Promise.all(ends);
      expect(uncaught).toEqual([]);
    });
  }

  it('because the client has gone is reported', async () => {
    const { handler, log } = stage();
    const body = new Readable({
      destroy: (_error, done) => done(new Error('the cursor cannot be closed')),
    });
    const end = closed(body);
    const running = handler.run(tooLate(() => body));
    handler.handleDisconnect();
    await running;
    await end;
    expect(log.join('')).toContain('the cursor cannot be closed');
    expect(uncaught).toEqual([]);
  });
});
