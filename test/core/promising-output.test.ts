import {
  type Application,
  BodyInput,
  emptySource,
  type OutputStream,
  SimpleHandler,
  TextErrors,
} from '@wsgi/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

function stage(output: OutputStream, httpVersion: string) {
  const log: string[] = [];
  const errors = new TextErrors((text) => log.push(text));
  const environ = { REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.1' };
  const handler = new SimpleHandler(new BodyInput(emptySource), output, errors, environ);
  handler.httpVersion = httpVersion;
  return { handler, log };
}

const answering =
  (body: () => Iterable<Uint8Array>): Application =>
  (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return body();
  };

/** The application, and the HTTP version in which it answers: with a length, in chunks, or without a body. */
const answers: [name: string, app: Application, httpVersion: string][] = [
  ['an array', answering(() => [Buffer.from('one'), Buffer.from('two')]), '1.0'],
  ['a body in chunks', answering(() => [Buffer.from('one')].values()), '1.1'],
  ['an empty body', answering(() => []), '1.0'],
];

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe.each(answers)('%s, to an output that promises', (_name, app, httpVersion) => {
  const unhandled: unknown[] = [];
  const hear = (reason: unknown) => unhandled.push(reason);

  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', hear);
  });
  afterEach(async () => {
    process.off('unhandledRejection', hear);
  });

  /** How many writes the answer takes. */
  async function countWrites(): Promise<number> {
    let writes = 0;
    const { handler } = stage({ write: () => ++writes }, httpVersion);
    await handler.run(app);
    return writes;
  }

  it('is over when all has been written', async () => {
    const open: (() => void)[] = [];
    let ended = false;
    const { handler } = stage(
      { write: () => new Promise<void>((resolve) => open.push(resolve)) },
      httpVersion,
    );
    const running = Promise.resolve(handler.run(app)).then(() => {
      ended = true;
    });
    for (let written = 0; written < (await countWrites()); written += 1) {
      await turn();
      expect(ended).toBe(false);
      open[written]?.();
    }
    await running;
  });

  it('is over when all has been flushed', async () => {
    let flushed = () => {};
    let ended = false;
    const flush = () => new Promise<void>((resolve) => (flushed = resolve));
    const { handler } = stage({ write: () => {}, flush }, httpVersion);
    const running = Promise.resolve(handler.run(app)).then(() => {
      ended = true;
    });
    await turn();
    expect(ended).toBe(false);
    while (!ended) {
      flushed();
      await turn();
    }
    await running;
  });

  it('is reported and given up, once, whichever write fails', async () => {
    const writes = await countWrites();
    for (let failing = 0; failing < writes; failing += 1) {
      let written = 0;
      let destroyed = 0;
      const { handler, log } = stage(
        {
          write: async () => {
            if (written++ === failing) throw new Error('the disk is full');
          },
          destroy: () => destroyed++,
        },
        httpVersion,
      );
      await handler.run(app);
      await turn();
      expect([log.length, destroyed]).toEqual([1, 1]);
      expect(log[0]).toContain('the disk is full');
    }
    expect(unhandled).toEqual([]);
  });

  it('takes it for a client that has gone when the connection ended, whichever write finds it', async () => {
    const writes = await countWrites();
    for (let failing = 0; failing < writes; failing += 1) {
      let written = 0;
      const { handler, log } = stage(
        {
          write: async () => {
            if (written++ >= failing) throw Object.assign(new Error('gone'), { code: 'EPIPE' });
          },
        },
        httpVersion,
      );
      await handler.run(app);
      await turn();
      expect(log).toEqual([]);
    }
    expect(unhandled).toEqual([]);
  });

  it('reports a flush that fails, and takes one that finds the connection ended for that', async () => {
    for (const code of ['EIO', 'EPIPE']) {
      const failed = Object.assign(new Error('cannot be flushed'), { code });
      const waits = { write: () => {}, flush: () => Promise.reject(failed) };
      const throws = {
        write: () => {},
        flush: () => {
          throw failed;
        },
      };
      for (const output of [waits, throws]) {
        const { handler, log } = stage(output, httpVersion);
        await handler.run(app);
        await turn();
        expect(log.length).toBe(code === 'EIO' ? 1 : 0);
      }
    }
    expect(unhandled).toEqual([]);
  });
});
