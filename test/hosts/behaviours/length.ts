import type { Application } from '@wsgi/core';
import { expect } from 'vitest';
import type { Behaviour } from '../stage.ts';
import { bytes, deferred, text } from './apps.ts';

const claims =
  (length: string, chunks: string[]): Application =>
  (_environ, startResponse) => {
    startResponse('200 OK', [...text, ['Content-Length', length]]);
    return chunks.map(bytes);
  };

const short = 'sends less than its Content-Length';
const long = 'sends more than its Content-Length';

/** Whatever wraps a body hides what it is, and the validator wraps it: PEP 3333, "Middleware". */
const unwrapped = 'the host must see the body itself';

export const length: Behaviour[] = [
  {
    name: 'an array’s size becomes the Content-Length',
    async run(stage) {
      for (const chunks of [[], ['a'], ['ab', '', 'cde'], ['x'.repeat(70_000), 'y']]) {
        const mounted = await stage.mount(
          (_environ, startResponse) => {
            startResponse('200 OK', [...text]);
            return chunks.map(bytes);
          },
          { unwrapped },
        );
        const response = await mounted.fetch();
        const body = chunks.join('');
        expect([response.header('content-length'), response.text]).toEqual([
          `${body.length}`,
          body,
        ]);
        expect(response.header('transfer-encoding')).toBeUndefined();
      }
    },
  },
  {
    name: 'a FileWrapper’s size becomes the Content-Length',
    async run(stage) {
      let left = ['some ', 'file'];
      const mounted = await stage.mount(
        (environ, startResponse) => {
          startResponse('200 OK', [...text]);
          const FileWrapper = environ['wsgi.file_wrapper'];
          left = ['some ', 'file'];
          return new FileWrapper({
            size: 9,
            read: () => bytes(left.shift() ?? ''),
          });
        },
        { unwrapped },
      );
      const response = await mounted.fetch();
      expect([response.text, response.header('content-length')]).toEqual(['some file', '9']);
    },
  },
  {
    name: 'the application’s own Content-Length is sent as it is, once',
    async run(stage) {
      const mounted = await stage.mount(claims('5', ['hel', 'lo']));
      const response = await mounted.fetch();
      expect([response.all('content-length'), response.text]).toEqual([['5'], 'hello']);
      expect(response.header('transfer-encoding')).toBeUndefined();
    },
  },
  {
    name: 'a body of unknown size has no Content-Length and is known to be whole',
    async run(stage) {
      const mounted = await stage.mount(function* (_environ, startResponse) {
        startResponse('200 OK', [...text]);
        yield bytes('un');
        yield bytes('known');
      });
      const response = await mounted.fetch();
      expect([response.text, response.complete]).toEqual(['unknown', true]);
      expect(response.header('content-length')).toBeUndefined();
    },
  },
  {
    name: 'the oldest client gets a body of unknown size without chunked coding',
    async run(stage) {
      const mounted = await stage.mount(function* (_environ, startResponse) {
        startResponse('200 OK', [...text]);
        yield bytes('un');
        yield bytes('known');
      });
      const response = await mounted.fetch({ oldest: true });
      expect([response.text, response.complete]).toEqual(['unknown', true]);
      expect(response.header('transfer-encoding')).toBeUndefined();
    },
  },
  {
    name: 'surplus bytes within a chunk are cut off and reported',
    async run(stage) {
      const mounted = await stage.mount(claims('5', ['hello world']), {
        unwrapped: long,
      });
      const connection = await mounted.connect();
      const response = await connection.start().response;
      expect([response.text, response.complete]).toEqual(['hello', true]);
      expect(response.header('content-length')).toBe('5');
      expect(mounted.reported()).toMatch(/Content-Length/i);
    },
  },
  {
    name: 'surplus chunks are cut off, reported once, and nothing follows them on the wire',
    async run(stage) {
      const mounted = await stage.mount(claims('5', ['hel', 'lo', ' wor', 'ld']), {
        unwrapped: long,
      });
      const connection = await mounted.connect();
      const first = await connection.start().response;
      expect([first.text, first.complete]).toEqual(['hello', true]);
      expect(mounted.reported().match(/Content-Length/gi)?.length).toBeGreaterThan(0);
      if (connection.closed) return;
      const second = await connection.start().response;
      expect([second.status, second.text]).toEqual([200, 'hello']);
    },
  },
  {
    name: 'an endless body over its Content-Length is not drained',
    async run(stage) {
      let asked = 0;
      let finished = 0;
      const mounted = await stage.mount(
        function* (_environ, startResponse) {
          startResponse('200 OK', [...text, ['Content-Length', '4']]);
          try {
            for (;;) {
              asked++;
              yield bytes('abc');
            }
          } finally {
            finished++;
          }
        },
        { unwrapped: long },
      );
      const response = await mounted.fetch();
      expect([response.text, response.complete]).toEqual(['abca', true]);
      expect(asked).toBeLessThan(5);
      expect(finished).toBe(1);
    },
  },
  {
    name: 'a short body is reported, and no client takes it for whole',
    async run(stage) {
      const mounted = await stage.mount(claims('10', ['hel', 'lo']), {
        unwrapped: short,
      });
      const response = await mounted.fetch();
      expect(response.complete).toBe(false);
      expect('hello'.startsWith(response.text)).toBe(true);
      expect(mounted.reported()).toMatch(/Content-Length/i);
    },
  },
  {
    name: 'a short body that streams is reported, and no client takes it for whole',
    async run(stage) {
      const received = deferred();
      const mounted = await stage.mount(
        async function* (_environ, startResponse) {
          startResponse('200 OK', [...text, ['Content-Length', '10']]);
          yield bytes('hello');
          await received.promise;
        },
        { unwrapped: short },
      );
      const exchange = (await mounted.connect()).start();
      await exchange.until('hello');
      received.resolve();
      expect((await exchange.response).complete).toBe(false);
      expect(mounted.reported()).toMatch(/Content-Length/i);
    },
  },
  {
    name: 'an empty body under a Content-Length is no whole response',
    async run(stage) {
      const mounted = await stage.mount(claims('10', []), { unwrapped: short });
      const response = await mounted.fetch();
      // Nothing was sent when it showed, so a 500 is as right as a cut connection.
      if (response.complete) expect(response.status).toBe(500);
      expect(mounted.reported()).toMatch(/Content-Length/i);
    },
  },
  {
    name: 'a Content-Length that is no number never goes out',
    async run(stage) {
      for (const wrong of ['ten', '-1', '1.5', '0x5', '+5', '5, 5', '']) {
        const mounted = await stage.mount(claims(wrong, ['hello']), {
          unwrapped: 'its Content-Length is no number',
        });
        const response = await mounted.fetch();
        expect(response.all('content-length'), wrong).not.toContain(wrong);
        expect(response.status, wrong).toBe(500);
      }
    },
  },
];
