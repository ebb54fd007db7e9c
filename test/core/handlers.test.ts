import { open, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  BodyInput,
  emptySource,
  FileWrapper,
  type HeaderList,
  Headers,
  type ResponseBody,
  SimpleHandler,
  TextErrors,
  type Write,
} from '@wsgi/core';
import { describe, expect, it } from 'vitest';
import { deferred } from '../hosts/behaviours/apps.ts';
import { answering, loggedBody, Output, stage, turn } from './handler-stage.ts';

describe('a handler', () => {
  it('has handed over all bytes of a synchronous application when run() returns', () => {
    const { handler, output } = stage();
    const log: string[] = [];
    expect(handler.run(answering(loggedBody(['a', 'b'], log)))).toBeUndefined();
    expect(output.body).toBe('ab');
    expect(log).toEqual(['made a', 'made b', 'returned', 'closed']);
  });

  it("refuses the server's fields when it has met more names than it remembers", () => {
    for (let i = 0; i < 300; i++) new Headers([[`X-${i}`, 'v']]);
    for (const name of ['Keep-Alive', 'TRAILER']) {
      const { handler, output, log } = stage();
      handler.run(answering([], [[name, 'x']]));
      expect(output.written).toContain('500 Internal Server Error');
      expect(log.join('')).toContain(name);
    }
  });

  it('asks for no chunk while the transport is full', async () => {
    const { handler, output } = stage();
    const log: string[] = [];
    output.room = 3;
    const running = handler.run(answering(loggedBody(['a', 'b', 'c'], log)));
    await turn();
    expect(log).toEqual(['made a']);
    output.drain(1);
    await turn();
    expect(log).toEqual(['made a', 'made b']);
    output.drain();
    await running;
    expect(output.body).toBe('abc');
  });

  it('waits for a write that gives a promise', async () => {
    const waiting: Array<() => void> = [];
    const stdout = { write: () => new Promise<void>((resolve) => waiting.push(resolve)) };
    const log: string[] = [];
    const { handler } = stage({}, stdout);
    const running = handler.run(answering(loggedBody(['a', 'b'], log)));
    await turn();
    expect(log).toEqual(['made a']);
    while (log.length < 4) {
      for (const go of waiting.splice(0)) go();
      await turn();
    }
    await running;
    expect(log).toEqual(['made a', 'made b', 'returned', 'closed']);
  });

  it('listens once for any number of writes that nobody awaits', async () => {
    const { handler, output } = stage();
    output.room = 0;
    const running = handler.run((_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      for (let count = 0; count < 50; count += 1) write(Buffer.from('x'));
      return [];
    });
    expect(output.listenerCount('drain')).toBe(1);
    output.drain();
    await running;
    expect(output.body).toBe('x'.repeat(50));
    expect([output.listenerCount('drain'), output.listenerCount('close')]).toEqual([0, 0]);
  });

  it('stops an endless body, which never waits, once the stream is destroyed', async () => {
    const log: string[] = [];
    const { handler, output } = stage();
    function* endless() {
      for (let count = 0; ; count += 1) {
        if (count === 3) {
          output.destroyed = true;
          output.room = 0;
        }
        yield 'x';
      }
    }
    await handler.run(answering(loggedBody(endless(), log)));
    expect(log.slice(-2)).toEqual(['returned', 'closed']);
    expect(handler.clientGone).toBe(true);
  });

  it('takes a rejected write of an ended connection for a client that has gone', async () => {
    const gone = Object.assign(new Error('gone'), { code: 'EPIPE' });
    const { handler, log } = stage({}, { write: () => Promise.reject(gone) });
    await handler.run(answering([Buffer.from('a')]));
    expect([handler.clientGone, log]).toEqual([true, []]);
  });

  it('awaits an asynchronous close()', async () => {
    const { handler } = stage();
    let closed = false;
    const chunks = Object.assign([Buffer.from('a')], {
      close: async () => {
        await turn();
        closed = true;
      },
    });
    await handler.run(answering(chunks));
    expect(closed).toBe(true);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('in close');
      },
    ],
    ['rejects', () => Promise.reject(new Error('in close'))],
  ])('reports a close() that %s, after a response that is whole', async (_name, close) => {
    const { handler, output, log } = stage();
    await handler.run(answering(Object.assign([Buffer.from('a')], { close })));
    expect([output.body, output.destroyed]).toEqual(['a', false]);
    expect(log.join('')).toContain('Error: in close');
  });

  it.each([
    ['a short body', answering([Buffer.from('abc')], [['Content-Length', '5']])],
    [
      'an error after the header fields',
      answering(
        (function* () {
          yield Buffer.from('abc');
          throw new Error('late');
        })(),
      ),
    ],
  ])('reports %s, and destroys the connection', async (_name, app) => {
    const { handler, output, log } = stage();
    await handler.run(app);
    expect([output.body, output.destroyed, log.length > 0]).toEqual(['abc', true, true]);
  });

  it('cuts off and reports what is past the Content-Length, and keeps the connection', () => {
    const { handler, output, log } = stage();
    handler.run(answering([Buffer.from('abc'), Buffer.from('def')], [['Content-Length', '4']]));
    expect([output.body, output.destroyed]).toEqual(['abcd', false]);
    expect(log.join('')).toContain('longer than its Content-Length of 4');
  });

  it('hands the transport no empty chunk, where nothing of a chunk may be sent', () => {
    const sizes: number[] = [];
    const { handler } = stage(
      { REQUEST_METHOD: 'HEAD' },
      { write: (data: Uint8Array) => void sizes.push(data.length) },
    );
    handler.run(answering([Buffer.from('a')]));
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes).not.toContain(0);
  });

  it('reports a write() after the end, and rejects it', async () => {
    const { handler, output, log } = stage();
    let late: (() => unknown) | undefined;
    handler.run((_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      late = () => write(Buffer.from('late'));
      return [Buffer.from('a')];
    });
    await expect(late?.()).rejects.toThrow('after the response was over');
    expect(output.body).toBe('a');
    expect(log.join('')).toContain('write() was called after the response was over');
  });

  it('answers 413 to a body over maxBodySize, without a call of the application, and logs nothing', () => {
    const { handler, output, log } = stage({ CONTENT_LENGTH: '6' });
    handler.maxBodySize = 5;
    handler.run(() => {
      throw new Error('called');
    });
    expect(output.written).toMatch(/^HTTP\/1\.0 413 Content Too Large\r\n/);
    expect(log).toEqual([]);
  });

  it.each(['5', '', 'many'])('runs the application when CONTENT_LENGTH is %j', (length) => {
    const { handler, output } = stage({ CONTENT_LENGTH: length });
    handler.maxBodySize = 5;
    handler.run(answering([Buffer.from('a')]));
    expect(output.body).toBe('a');
  });

  it.each([undefined, null, 0, 'text', { toString: null }])(
    'survives that %j is thrown',
    (thrown) => {
      const { handler, output, log } = stage();
      handler.run(() => {
        throw thrown;
      });
      expect(output.written).toMatch(/^HTTP\/1\.0 500 Internal Server Error\r\n/);
      expect(log.length).toBe(1);
    },
  );

  it('gives up when the error page fails, too', async () => {
    class Failing extends SimpleHandler {
      override errorOutput(): ResponseBody {
        throw new Error('of the page');
      }
    }
    const output = new Output();
    const log: string[] = [];
    const errors = new TextErrors((text) => log.push(text));
    const handler = new Failing(new BodyInput(emptySource), output, errors, {});
    await handler.run(() => {
      throw new Error('of the application');
    });
    expect([output.written, output.destroyed]).toEqual(['', true]);
    expect(log.join('')).toMatch(/of the application[\s\S]*of the page/);
  });
});

it.each<[what: string, page: () => unknown, said: string]>([
  ['text', () => '<p>Sorry</p>', 'returned the string'],
  ['nothing', () => undefined, 'returned undefined'],
  ['a promise', async () => [Buffer.from('Sorry')], 'returned Promise'],
])('gives up when the error page is no body, and says so: %s', async (_what, page, said) => {
  const { handler, output, log } = stage();
  // No type allows it.
  handler.errorOutput = page as typeof handler.errorOutput;
  await handler.run(() => {
    throw new Error('of the application');
  });
  expect([output.written, output.destroyed]).toEqual(['', true]);
  expect(log.join('')).toMatch(/of the application/);
  expect(log.join('')).toContain(said);
});

it('gives each error page header fields of its own, which whoever extends startResponse may add to', () => {
  class Signing extends SimpleHandler {
    override startResponse(status: string, headers: HeaderList, excInfo?: unknown): Write {
      headers.push(['X-Signed', 'yes']);
      return super.startResponse(status, headers, excInfo);
    }
  }
  for (let request = 0; request < 2; request += 1) {
    const output = new Output();
    const input = new BodyInput(emptySource);
    const handler = new Signing(input, output, new TextErrors(() => {}), {});
    handler.run(() => {
      throw new Error('of the application');
    });
    expect(output.written.match(/X-Signed/g)).toHaveLength(1);
  }
});

describe('a transport', () => {
  it('that says "full" and has no events is not waited for', () => {
    let written = '';
    const stdout = {
      write(data: Uint8Array) {
        written += Buffer.from(data).toString('latin1');
        return false;
      },
    };
    const { handler } = stage({}, stdout);
    expect(handler.run(answering([Buffer.from('a'), Buffer.from('b')]))).toBeUndefined();
    expect(written.slice(-2)).toBe('ab');
  });

  it('that fails for reasons of its own is reported, and given up', () => {
    let destroyed = 0;
    const stdout = {
      write() {
        throw new Error('of the transport');
      },
      destroy() {
        destroyed += 1;
      },
    };
    const { handler, log } = stage({}, stdout);
    handler.run(answering([Buffer.from('a')]));
    expect([handler.clientGone, destroyed]).toEqual([false, 1]);
    expect(log.join('')).toContain('of the transport');
  });
});

it('refuses a chunk that is a promise, and says what to yield instead', async () => {
  const { handler, log } = stage();
  await handler.run(answering([Promise.resolve(Buffer.from('a')) as never]));
  expect(log.join('')).toContain('a chunk of the body is a promise; yield what it resolves to');
});

it('refuses a startResponse() after the response was over', () => {
  const { handler } = stage();
  let late: (() => unknown) | undefined;
  handler.run((_environ, startResponse) => {
    startResponse('200 OK', []);
    late = () => startResponse('200 OK', []);
    return [];
  });
  expect(late).toThrow('startResponse was called after the response was over');
});

it('takes a startResponse() at any time once the client has gone, and the response is forgotten', async () => {
  const { handler, log } = stage();
  let again: (() => unknown) | undefined;
  const running = handler.run(async function* (_environ, startResponse) {
    startResponse('200 OK', []);
    again = () => startResponse('200 OK', []);
    yield Buffer.from('a');
    handler.handleDisconnect();
    yield Buffer.from('b');
  });
  await running;
  expect(again).not.toThrow();
  expect(log).toEqual([]);
});

it('refuses a write() while the end of the response waits for the transport', async () => {
  const flushed = deferred();
  let written = '';
  const stdout = {
    write: (data: Uint8Array) => {
      written += Buffer.from(data).toString('latin1');
    },
    flush: () => (written.endsWith('0\r\n\r\n') ? flushed.promise : undefined),
  };
  const { handler, log } = stage({ SERVER_PROTOCOL: 'HTTP/1.1' }, stdout);
  handler.httpVersion = '1.1';
  const writes: Write[] = [];
  const running = handler.run(function* (_environ, startResponse) {
    writes.push(startResponse('200 OK', []));
    yield Buffer.from('whole');
  });
  const whole = written;
  await expect(writes[0]?.(Buffer.from('late'))).rejects.toThrow('after the response was over');
  handler.handleDisconnect();
  expect(handler.clientGone).toBe(false);
  flushed.resolve();
  await running;
  expect(written).toBe(whole);
  expect(log.join('')).toContain('its bytes are lost');
});

it('is over when the host has taken an error for its own', () => {
  const { handler, output } = stage();
  handler.handleError = () => undefined;
  let late: (() => unknown) | undefined;
  handler.run((_environ, startResponse) => {
    late = () => startResponse('200 OK', []);
    throw new Error('for the host');
  });
  expect(late).toThrow('startResponse was called after the response was over');
  expect(output.written).toBe('');
});

it.each([undefined, null])('answers 500 when %j is thrown after startResponse()', (thrown) => {
  const { handler, output } = stage();
  handler.run((_environ, startResponse) => {
    startResponse('200 OK', []);
    throw thrown;
  });
  expect(output.written).toMatch(/^HTTP\/1\.0 500 Internal Server Error\r\n/);
});

it("answers 500 when a connection of the application's own ends, and its client is there", () => {
  const { handler, output, log } = stage();
  handler.run(() => {
    throw Object.assign(new Error('of the database'), { code: 'ECONNRESET' });
  });
  expect(output.written).toMatch(/^HTTP\/1\.0 500 Internal Server Error\r\n/);
  expect(log.join('')).toContain('of the database');
});

it('answers an error behind a response that its host has declined', () => {
  const { handler, output } = stage();
  handler.declines = () => true;
  handler.run((_environ, startResponse) => {
    const write = startResponse('404 Not Found', []);
    void write(Buffer.from('declined'));
    throw new Error('behind it');
  });
  expect(output.written).toMatch(/^HTTP\/1\.0 500 Internal Server Error\r\n/);
  expect(output.body).toBe(String(handler.errorBody));
  expect(handler.declined).toBe(false);
});

it('closes an error page that is a file, and the body that failed', async () => {
  const { handler, output } = stage();
  const path = fileURLToPath(import.meta.url);
  const file = await open(path);
  handler.errorOutput = (_environ, startResponse, error) => {
    startResponse('500 Internal Server Error', [], error);
    return new FileWrapper(file);
  };
  const log: string[] = [];
  const failing = loggedBody(['a'], log);
  await handler.run((_environ, startResponse) => {
    startResponse('200 OK', []);
    return {
      ...failing,
      [Symbol.iterator]: () => ({
        next() {
          throw new Error('before the first chunk');
        },
      }),
    };
  });
  expect([output.body, file.fd, log]).toEqual([await readFile(path, 'utf8'), -1, ['closed']]);
});

it('knows whether only the end of the connection tells where the body ends', () => {
  const seen: boolean[] = [];
  for (const length of [[], [['Content-Length', '1']]] as HeaderList[]) {
    const { handler } = stage();
    handler.run(function* (_environ, startResponse) {
      startResponse('200 OK', length);
      seen.push(handler.endsWithConnection);
      yield Buffer.from('a');
      seen.push(handler.endsWithConnection);
    });
  }
  expect(seen).toEqual([false, true, false, false]);
});
