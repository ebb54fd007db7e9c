import { EventEmitter } from 'node:events';
import {
  type Application,
  BodyInput,
  type Environ,
  emptySource,
  Headers,
  type OutputStream,
  type ResponseBody,
  SimpleHandler,
  TextErrors,
} from '@wsgi/core';
import { describe, expect, it } from 'vitest';

/** A stream that takes `room` writes before it is full. */
class Output extends EventEmitter implements OutputStream {
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

function stage<Out extends OutputStream = Output>(variables: object = {}, stdout?: Out) {
  const output = stdout ?? new Output();
  const log: string[] = [];
  const errors = new TextErrors((text) => log.push(text));
  const environ = { REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.0', ...variables };
  const handler = new SimpleHandler(new BodyInput(emptySource), output, errors, environ);
  return { handler, output: output as Out, log };
}

/** An application that answers 200 with a body. */
const answering =
  (body: ResponseBody, headers: [string, string][] = []): Application =>
  (_environ, startResponse) => {
    startResponse('200 OK', headers);
    return body;
  };

/** Lets everything run that waits for nothing but its turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('A report quotes no more of a wrong body than a line, whatever its size', () => {
  const { handler, log } = stage();
  const record = Object.fromEntries(Array.from({ length: 10_000 }, (_, id) => [`key${id}`, id]));
  handler.run(answering(record as never));
  const [first = ''] = log.join('').split('\n');
  expect(first).toMatch(
    /^TypeError: the application returned \{ key0: 0, key1: 1, .*\.\.\.; return/,
  );
  expect(first.length).toBeLessThan(1000);
});

function body(chunks: Iterable<string>, log: string[]) {
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

describe('a handler', () => {
  it('has handed over all bytes of a synchronous application when run() returns', () => {
    const { handler, output } = stage();
    const log: string[] = [];
    expect(handler.run(answering(body(['a', 'b'], log)))).toBeUndefined();
    expect(output.body).toBe('ab');
    expect(log).toEqual(['made a', 'made b', 'returned', 'closed']);
  });

  it('asks for no chunk while the transport is full', async () => {
    const { handler, output } = stage();
    const log: string[] = [];
    output.room = 3;
    const running = handler.run(answering(body(['a', 'b', 'c'], log)));
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
    const running = handler.run(answering(body(['a', 'b'], log)));
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
    await handler.run(answering(body(endless(), log)));
    expect(log.slice(-2)).toEqual(['returned', 'closed']);
    expect(handler.clientGone).toBe(true);
  });

  it('takes a rejected write of an ended connection for a client that has gone', async () => {
    const gone = Object.assign(new Error('gone'), { code: 'EPIPE' });
    const { handler, log } = stage({}, { write: () => Promise.reject(gone) });
    await handler.run(answering([Buffer.from('a')]));
    expect([handler.clientGone, log]).toEqual([true, []]);
  });

  it('ends a body that waits when the client goes: signal, close once, no log', async () => {
    const { handler, log } = stage();
    let closed = 0;
    const seen: Environ[] = [];
    const running = handler.run((environ, startResponse) => {
      seen.push(environ);
      startResponse('200 OK', []);
      return {
        async *[Symbol.asyncIterator]() {
          yield Buffer.from('a');
          await new Promise(() => {});
        },
        close: async () => {
          closed += 1;
        },
      };
    });
    await turn();
    const signal = seen[0]?.['gateway.signal']();
    expect(signal?.aborted).toBe(false);
    handler.handleDisconnect();
    handler.handleDisconnect();
    await running;
    expect([signal?.aborted, signal?.reason.code, closed, log]).toEqual([
      true,
      'ECONNRESET',
      1,
      [],
    ]);
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

  it('logs as many frames as tracebackLimit says, and the causes', () => {
    const { handler, log } = stage();
    handler.tracebackLimit = 1;
    handler.run(() => {
      throw new Error('outer', { cause: new TypeError('inner') });
    });
    const lines = log.join('').split('\n');
    expect(lines.filter((line) => line.startsWith('    at '))).toHaveLength(2);
    expect(lines).toEqual(expect.arrayContaining(['Error: outer', 'caused by: TypeError: inner']));
  });

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

describe('the head', () => {
  const run = (
    variables: object,
    set: Partial<SimpleHandler>,
    headers: [string, string][] = [],
  ) => {
    const { handler, output, log } = stage(variables);
    Object.assign(handler, set);
    const seen: Environ[] = [];
    handler.run((environ, startResponse) => {
      seen.push(environ);
      startResponse('200 OK', headers);
      return [Buffer.from('a')];
    });
    return { environ: seen[0], text: output.written, log };
  };

  it('is left out for HTTP/0.9, which knows none', () => {
    expect(run({ SERVER_PROTOCOL: 'HTTP/0.9' }, {}).text).toBe('a');
  });

  it('names the server, and so does the environ, unless they do so themselves', () => {
    const named = run({}, { serverSoftware: 'mine/1' });
    expect(named.environ?.SERVER_SOFTWARE).toBe('mine/1');
    expect(named.text).toContain('\r\nServer: mine/1\r\n');
    const other = run({ SERVER_SOFTWARE: 'front/2' }, { serverSoftware: 'mine/1' }, [
      ['Server', 'app/3'],
      ['Date', 'now'],
    ]);
    expect(other.environ?.SERVER_SOFTWARE).toBe('front/2');
    expect(other.text.match(/^(Server|Date): .*$/gm)).toEqual(['Server: app/3', 'Date: now']);
  });

  it.each([
    ['Headers', new Headers([['Content-Type', 'text/plain']])],
    ['an object', { 'Content-Type': 'text/plain' }],
  ])('is refused where its fields are %s, with what makes a list of them', (_kind, headers) => {
    expect(run({}, {}, headers as never).log.join('')).toMatch(
      /headers must be an array .*; \[\.\.\.headers\] makes one of Headers or a Map, Object\.entries\(headers\) of an object\n/,
    );
  });

  it('goes to an HTTP/0.9 client, too, where a server stands behind', () => {
    const { text } = run({ SERVER_PROTOCOL: 'HTTP/0.9' }, { originServer: false });
    expect(text).toBe('Status: 200 OK\r\nContent-Length: 1\r\n\r\na');
  });

  it('is a Status field and no status line where a server stands behind', () => {
    const { text } = run({}, { originServer: false, serverSoftware: 'mine/1' });
    expect(text).toBe('Status: 200 OK\r\nContent-Length: 1\r\n\r\na');
  });
});

describe('a body of unknown length', () => {
  const framing = (protocol: string, set: Partial<SimpleHandler>): string | undefined => {
    const { handler, output } = stage({ SERVER_PROTOCOL: protocol });
    Object.assign(handler, set);
    handler.run(answering([Buffer.from('a')].values()));
    return /^Transfer-Encoding: .*$/m.exec(output.written)?.[0];
  };

  it('goes in chunks where both sides speak HTTP/1.1', () => {
    expect(framing('HTTP/1.1', { httpVersion: '1.1' })).toBe('Transfer-Encoding: chunked');
  });

  it.each<[why: string, protocol: string, set: Partial<SimpleHandler>]>([
    ['the client speaks HTTP/1.0', 'HTTP/1.0', { httpVersion: '1.1' }],
    ['the status line says HTTP/1.0', 'HTTP/1.1', { httpVersion: '1.0' }],
    ['a server stands behind', 'HTTP/1.1', { httpVersion: '1.1', originServer: false }],
  ])('goes as it is where %s', (_why, protocol, set) => {
    expect(framing(protocol, set)).toBeUndefined();
  });
});

describe('the report of an error', () => {
  const logged = (thrown: unknown): string => {
    const { handler, log } = stage();
    handler.run(() => {
      throw thrown;
    });
    return log.join('');
  };

  it('makes do with name and message where there is no stack', () => {
    expect(logged(Object.assign(new TypeError('bare'), { stack: undefined }))).toBe(
      'TypeError: bare\n',
    );
  });

  it('shows a stack without frames as it is', () => {
    expect(logged(Object.assign(new Error('x'), { stack: 'Error: x\nand so on' }))).toBe(
      'Error: x\nand so on\n',
    );
  });

  it('goes no deeper than eight causes, though they go round in a circle', () => {
    const error = new Error('round');
    error.cause = error;
    expect(logged(error).match(/Error: round/g)).toHaveLength(8);
  });
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

it('asks an application that has not answered for nothing once the client has gone', async () => {
  const { handler, output, log } = stage();
  const events: string[] = [];
  let answer: (body: ResponseBody) => void = () => {};
  const running = handler.run((_environ, startResponse) => {
    startResponse('200 OK', []);
    return new Promise<ResponseBody>((resolve) => {
      answer = resolve;
    });
  });
  handler.handleDisconnect();
  answer(body(['a'], events));
  await running;
  expect([events, output.written, log]).toEqual([['closed'], '', []]);
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
