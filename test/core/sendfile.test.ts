import { EventEmitter } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import {
  type Application,
  BodyInput,
  emptySource,
  type FileLike,
  FileWrapper,
  type HeaderList,
  type OutputStream,
  SimpleHandler,
  TextErrors,
} from '@wsgi/core';
import { describe, expect, it, vi } from 'vitest';
import { opened, turn } from './handler-stage.ts';

/** A stream that is full after each write for as long as `full` says so. */
class Output extends EventEmitter implements OutputStream {
  readonly chunks: Buffer[] = [];
  destroyed = false;
  full = false;

  write(data: Uint8Array): boolean {
    this.chunks.push(Buffer.from(data));
    return !this.full;
  }

  destroy(): void {
    this.destroyed = true;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  get head(): string {
    return this.text.slice(0, this.text.indexOf('\r\n\r\n'));
  }

  get body(): string {
    return this.text.slice(this.text.indexOf('\r\n\r\n') + 4);
  }
}

function stage(variables: object = {}, Handler = SimpleHandler) {
  const output = new Output();
  const log: string[] = [];
  const errors = new TextErrors((text) => log.push(text));
  const environ = { REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.1', ...variables };
  const handler = new Handler(new BodyInput(emptySource), output, errors, environ);
  handler.httpVersion = '1.1';
  return { handler, output, log };
}

/** An application that answers with a file. */
const sending =
  (file: FileLike, headers: HeaderList = [], status = '200 OK'): Application =>
  (environ, startResponse) => {
    startResponse(status, headers);
    const Wrapper = environ['wsgi.file_wrapper'] ?? FileWrapper;
    return new Wrapper(file);
  };

/** Stands in for a FileHandle whose reads the test answers. */
function scripted(read: FileHandle['read']): FileLike {
  const file = { fd: -1, stat: () => Promise.reject(new Error('no stat')), read };
  return file as unknown as FileLike;
}

/** A handler whose transport holds the blocks of a body as they are, and notes what they are when it was waited for. */
function holding({ releases, wait }: { releases: boolean; wait: () => unknown }) {
  const held: Buffer[] = [];
  const sent: Buffer[] = [];
  class Holding extends SimpleHandler {
    override get releasesBytes(): boolean {
      return releases;
    }
    override _writeText(): void {}
    override _write(data: Uint8Array): void | Promise<void> {
      held.push(Buffer.from(data.buffer, data.byteOffset, data.length));
      const waiting = wait();
      if (waiting instanceof Promise) return waiting.then(() => void sent.push(Buffer.from(data)));
    }
  }
  return { ...stage({}, Holding), held, sent };
}

describe('a FileHandle as body', () => {
  it('is sent whole, with its length, and closed', async () => {
    const contents = 'x'.repeat(600_000);
    const { handler, output, log } = stage();
    const handle = await opened(contents);
    await handler.run(sending(handle));
    expect(output.head).toMatch(/\r\nContent-Length: 600000(\r\n|$)/);
    expect(output.body === contents).toBe(true);
    expect([handle.fd, log]).toEqual([-1, []]);
  });

  it.each([
    ['one block of memory, where the transport lets go of it', true, 1],
    ['memory of its own for each block, where the transport may hold it', false, 3],
  ])('is read into %s', async (_name, releases, most) => {
    const contents = Buffer.alloc(600_000, '0123456789');
    const { handler, held, sent, log } = holding({ releases, wait: turn });
    await handler.run(sending(await opened(contents.toString())));
    expect([Buffer.concat(sent).equals(contents), log]).toEqual([true, []]);
    expect(new Set(held.map(({ buffer }) => buffer)).size).toBe(most);
    expect(Buffer.concat(held).equals(contents)).toBe(!releases);
  });

  it('is read into new memory behind a block that the transport took without a word', async () => {
    const contents = Buffer.alloc(600_000, '0123456789');
    const { handler, held } = holding({ releases: false, wait: () => undefined });
    await handler.run(sending(await opened(contents.toString())));
    expect(Buffer.concat(held).equals(contents)).toBe(true);
  });

  it('is read into one block of memory where the transport has passed it on at once', async () => {
    const contents = Buffer.alloc(600_000, '0123456789');
    const { handler, held } = holding({ releases: true, wait: () => undefined });
    await handler.run(sending(await opened(contents.toString())));
    expect(held.map(({ length }) => length)).toEqual([262_144, 262_144, 75_712]);
    expect(new Set(held.map(({ buffer }) => buffer)).size).toBe(1);
  });

  it('is not read past its Content-Length into memory that is used again', async () => {
    const contents = Buffer.alloc(300_000, '0123456789');
    const { handler, sent, log } = holding({ releases: true, wait: turn });
    const length: HeaderList = [['Content-Length', '270000']];
    await handler.run(sending(await opened(contents.toString()), length));
    expect(Buffer.concat(sent).equals(contents.subarray(0, 270_000))).toBe(true);
    expect(log).toEqual([]);
  });

  it('leaves alone what the transport may still hold for a client that has gone', async () => {
    const first = holding({ releases: true, wait: () => new Promise(() => {}) });
    const running = first.handler.run(sending(await opened('a'.repeat(600_000))));
    while (first.held.length === 0) await turn();
    first.handler.handleDisconnect();
    await running;
    const second = holding({ releases: true, wait: turn });
    await second.handler.run(sending(await opened('b'.repeat(600_000))));
    expect(first.held[0]?.includes('b')).toBe(false);
  });

  it('is sent from its current position on', async () => {
    const { handler, output } = stage();
    const handle = await opened('0123456789');
    await handle.read(Buffer.alloc(4), 0, 4, null);
    await handler.run(sending(handle));
    expect(output.head).toMatch(/\r\nContent-Length: 6(\r\n|$)/);
    expect(output.body).toBe('456789');
  });

  it('is sent as far as the Content-Length goes, and its rest is not read', async () => {
    const { handler, output, log } = stage();
    const handle = await opened('0123456789');
    let asked = 0;
    const read = handle.read.bind(handle) as (...args: unknown[]) => Promise<never>;
    const counted = scripted(((block: Buffer, from: number, size: number) => {
      asked += size;
      return read(block, from, size, null);
    }) as never);
    await handler.run(sending(counted, [['Content-Length', '4']]));
    expect([output.body, asked, output.destroyed, log]).toEqual(['0123', 4, false, []]);
  });

  it('that ends before its Content-Length costs the connection', async () => {
    const { handler, output, log } = stage();
    await handler.run(sending(await opened('0123'), [['Content-Length', '10']]));
    expect([output.body, output.destroyed]).toEqual(['0123', true]);
    expect(log.join('')).toContain('6 bytes short of its Content-Length of 10');
  });

  it.each([
    ['HEAD', '200 OK', /\r\nContent-Length: 4(\r\n|$)/],
    ['GET', '304 Not Modified', /^(?![\s\S]*Content-Length)/],
    ['GET', '204 No Content', /^(?![\s\S]*Content-Length)/],
  ])('answers %s with %s by the head alone: it is closed unread', async (method, status, head) => {
    const { handler, output, log } = stage({ REQUEST_METHOD: method });
    const handle = await opened('0123');
    const read = vi.spyOn(handle, 'read');
    await handler.run(sending(handle, [], status));
    expect(read).not.toHaveBeenCalled();
    expect(output.head).toMatch(head);
    expect([output.body, handle.fd, log]).toEqual(['', -1, []]);
  });

  it('of a size that nobody knows goes in chunks', async () => {
    const blocks = ['abc', 'de', ''];
    const file = scripted((async (block: Buffer) => ({
      bytesRead: block.write(blocks.shift() ?? ''),
      buffer: block,
    })) as never);
    const { handler, output } = stage();
    await handler.run(sending(file));
    expect(output.head).toContain('\r\nTransfer-Encoding: chunked');
    expect(output.body).toBe('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');
  });

  it('comes after what was written before, and is not read until that has room', async () => {
    const { handler, output, log } = stage();
    const handle = await opened('file and more');
    const read = vi.spyOn(handle, 'read');
    output.full = true;
    const running = handler.run((_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Length', '8']]);
      write(Buffer.from('text'));
      return new FileWrapper(handle);
    });
    await turn();
    expect([output.body, read.mock.calls.length]).toEqual(['text', 0]);
    output.full = false;
    output.emit('drain');
    await running;
    expect([output.body, log]).toEqual(['textfile', []]);
  });

  it('is not read on while the transport is full', async () => {
    const { handler, output } = stage();
    output.full = true;
    let reads = 0;
    const file = scripted((async (block: Buffer) => {
      reads += 1;
      return { bytesRead: reads > 3 ? 0 : 1, buffer: block.fill('x') };
    }) as never);
    const running = handler.run(sending(file, [['Content-Length', '3']]));
    await turn();
    expect(reads).toBe(1);
    output.emit('drain');
    await turn();
    expect(reads).toBe(2);
    output.full = false;
    output.emit('drain');
    await running;
    expect(output.body).toBe('xxx');
  });

  it.each([
    ['is logged when it is the file that failed', new Error('bad disk'), 'bad disk'],
    [
      'is not logged when it says that the connection ended',
      Object.assign(new Error('gone'), { code: 'EPIPE' }),
      '',
    ],
  ])(
    'is not waited for once the client has gone; its late error %s',
    async (_name, error, said) => {
      const { handler, output, log } = stage();
      let reject: (error: Error) => void = () => {};
      const file = scripted((() => new Promise((_resolve, no) => (reject = no))) as never);
      const closed: string[] = [];
      file.close = () => {
        closed.push('closed');
      };
      const running = handler.run(sending(file));
      await turn();
      handler.handleDisconnect();
      await running;
      expect([closed, output.text]).toEqual([['closed'], '']);
      reject(error);
      await turn();
      if (said === '') expect(log).toEqual([]);
      else expect(log.join('')).toContain(said);
    },
  );

  it('that cannot be read before the head is answered with 500', async () => {
    const { handler, output, log } = stage();
    await handler.run(sending(scripted((() => Promise.reject(new Error('bad disk'))) as never)));
    expect(output.head).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/);
    expect(log.join('')).toContain('bad disk');
  });
});

it('a file-like object that answers at once is sent at once', () => {
  const { handler, output } = stage();
  const blocks = ['abc', 'de'];
  const file = { read: () => Buffer.from(blocks.shift() ?? '') };
  expect(handler.run(sending(file, [['Content-Length', '5']]))).toBeUndefined();
  expect(output.body).toBe('abcde');
});

describe('sendfile()', () => {
  it.each([
    ['false', () => false],
    ['a promise of false', async () => false],
  ])('that gives %s leaves the file to the iteration', async (_name, answer) => {
    class Declining extends SimpleHandler {
      override sendfile(): boolean | Promise<boolean> {
        return answer();
      }
    }
    const { handler, output } = stage({}, Declining);
    await handler.run(sending(await opened('0123'), [['Content-Length', '4']]));
    expect(output.body).toBe('0123');
  });

  it.each([
    ['true', () => true],
    ['a promise of true', async () => true],
  ])('that gives %s has sent the file', async (_name, answer) => {
    class Sending extends SimpleHandler {
      override sendfile(): boolean | Promise<boolean> {
        this.write(Buffer.from('mine'));
        return answer();
      }
    }
    const { handler, output, log } = stage({}, Sending);
    await handler.run(sending(await opened('0123'), [['Content-Length', '4']]));
    expect([output.body, log]).toEqual(['mine', []]);
  });

  it.each([
    ['true', () => true],
    ['a promise of true', async () => true],
  ])('that gives %s may have sent head and file by a way of its own', async (_name, answer) => {
    class Native extends SimpleHandler {
      override sendfile(): boolean | Promise<boolean> {
        this.sendHeaders();
        // In place of sendfile(2): none of it is counted here.
        this._write(Buffer.from('0123'));
        return answer();
      }
    }
    const { handler, output, log } = stage({}, Native);
    await handler.run(sending(await opened('0123'), [['Content-Length', '4']]));
    expect([output.body, output.destroyed, log]).toEqual(['0123', false, []]);
  });

  it('that gives true and has not even sent the head is found out', async () => {
    class Forgetful extends SimpleHandler {
      override sendfile(): boolean {
        return true;
      }
    }
    const { handler, output, log } = stage({}, Forgetful);
    await handler.run(sending(await opened('0123'), [['Content-Length', '4']]));
    expect([output.body, output.destroyed]).toEqual(['', true]);
    expect(log.join('')).toContain('4 bytes short of its Content-Length of 4');
  });

  it('is not called for a file-like object of other making, nor where the wrapper is switched off', async () => {
    let called = 0;
    class Counting extends SimpleHandler {
      override sendfile(): boolean | Promise<boolean> {
        called += 1;
        return super.sendfile();
      }
    }
    const first = stage({}, Counting);
    await first.handler.run(sending({ read: () => null }));
    expect(called).toBe(1);
    const second = stage({}, Counting);
    second.handler.wsgiFileWrapper = null;
    await second.handler.run((environ, startResponse) => {
      expect('wsgi.file_wrapper' in environ).toBe(false);
      return sending({ read: () => null })(environ, startResponse);
    });
    expect([called, second.output.head.slice(0, 12)]).toEqual([1, 'HTTP/1.1 200']);
  });
});
