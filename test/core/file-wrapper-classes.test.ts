import { type Application, FileWrapper, setupTestingDefaults, validator } from '@wsgi/core';
import { describe, expect, it } from 'vitest';
import { opened, stage } from './handler-stage.ts';

/** A handler that speaks HTTP/1.1, and so sends what has no length in chunks. */
function stage11(environ: object = { SERVER_PROTOCOL: 'HTTP/1.1' }) {
  const staged = stage(environ);
  staged.handler.httpVersion = '1.1';
  return staged;
}

describe('a class that extends FileWrapper, and makes other blocks of the file', () => {
  const double = (block: Uint8Array) => Buffer.concat([block, block]);

  class Doubled extends FileWrapper {
    override *[Symbol.iterator]() {
      for (const block of super[Symbol.iterator]()) yield double(block);
    }
  }

  class DoubledLater extends FileWrapper {
    override async *[Symbol.asyncIterator]() {
      for await (const block of super[Symbol.asyncIterator]()) yield double(block);
    }
  }

  class DoubledEitherWay extends Doubled {
    override async *[Symbol.asyncIterator]() {
      for await (const block of super[Symbol.asyncIterator]()) yield double(block);
    }
  }

  const classes = [Doubled, DoubledLater, DoubledEitherWay];

  it.each(classes)('is sent as it gives them: %o', async (Class) => {
    for (const wrap of [(app: Application) => app, validator]) {
      let left = ['ab', 'c'];
      const fileLike = { size: 3, read: () => Buffer.from(left.shift() ?? '') };
      for (const file of [fileLike, await opened('abc')]) {
        left = ['ab', 'c'];
        const environ = { SERVER_PROTOCOL: 'HTTP/1.1' };
        setupTestingDefaults(environ);
        const { handler, output, log } = stage11(environ);
        const app: Application = (_environ, startResponse) => {
          startResponse('200 OK', [
            ['Content-Type', 'text/plain'],
            ['Content-Length', '6'],
          ]);
          return new Class(file);
        };
        await handler.run(wrap(app));
        expect([output.body, log]).toEqual([file === fileLike ? 'ababcc' : 'abcabc', []]);
      }
    }
  });

  it('may wait for the file where it overrides both ways of asking', async () => {
    const left = ['ab', 'c'];
    const { handler, output, log } = stage11();
    await handler.run((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '6']]);
      return new DoubledEitherWay({ read: async () => Buffer.from(left.shift() ?? '') });
    });
    expect([output.body, log]).toEqual(['ababcc', []]);
  });

  it('is not given the length of the file', async () => {
    const { handler, output, log } = stage11();
    await handler.run((_environ, startResponse) => {
      startResponse('200 OK', []);
      let left = ['abc'];
      return new Doubled({
        size: 3,
        read: () => {
          const block = Buffer.from(left.join(''));
          left = [];
          return block;
        },
      });
    });
    expect([output.body, log]).toEqual(['6\r\nabcabc\r\n0\r\n\r\n', []]);
  });
});
