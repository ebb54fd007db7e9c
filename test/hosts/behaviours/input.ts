import type { Environ, InputStream } from '@wsgi/core';
import { readChunks } from '@wsgi/core';
import { expect } from 'vitest';
import type { RequestSpec } from '../client/index.ts';
import type { Behaviour, MountOptions, Stage } from '../stage.ts';
import { ok } from './apps.ts';

/** Runs `use` on the input of one request and gives its result. */
async function reading<T>(
  stage: Stage,
  spec: RequestSpec,
  use: (input: InputStream, environ: Environ) => Promise<T>,
  options: MountOptions = {},
): Promise<T> {
  const results: T[] = [];
  const mounted = await stage.mount(async (environ, startResponse) => {
    results.push(await use(environ['wsgi.input'], environ));
    return ok(startResponse);
  }, options);
  const response = await mounted.fetch({ method: 'POST', ...spec });
  expect([response.status, mounted.reported()]).toEqual([200, '']);
  const [result] = results;
  if (result === undefined) throw new Error('the application did not run');
  return result;
}

const string = (data: Uint8Array): string => Buffer.from(data).toString('latin1');
const strings = (list: Uint8Array[]): string[] => list.map(string);

export const input: Behaviour[] = [
  {
    name: 'read() gives the whole body, and then nothing',
    async run(stage) {
      const result = await reading(stage, { body: 'a body' }, async (input) =>
        strings([await input.read(), await input.read(), await input.read(1)]),
      );
      expect(result).toEqual(['a body', '', '']);
    },
  },
  {
    name: 'read(size) gives exactly size bytes, fewer only at the end',
    async run(stage) {
      const result = await reading(stage, { body: '0123456789' }, async (input) =>
        strings([
          await input.read(4),
          await input.read(0),
          await input.read(4),
          await input.read(4),
        ]),
      );
      expect(result).toEqual(['0123', '', '4567', '89']);
    },
  },
  {
    name: 'read(size) waits for bytes that come in several packets',
    async run(stage) {
      const parts: string[] = [];
      const mounted = await stage.mount(async (environ, startResponse) => {
        const input = environ['wsgi.input'];
        parts.push(string(await input.read(5)), string(await input.read(5)));
        return ok(startResponse);
      });
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 8,
      });
      await exchange.send('012');
      await new Promise((resolve) => setTimeout(resolve, 10));
      await exchange.send('3');
      await new Promise((resolve) => setTimeout(resolve, 10));
      await exchange.send('4567');
      exchange.finish();
      expect((await exchange.response).status).toBe(200);
      expect(parts).toEqual(['01234', '567']);
    },
  },
  {
    name: 'a negative size means all',
    async run(stage) {
      const result = await reading(stage, { body: 'a\nb' }, async (input) =>
        strings([await input.readline(-1), await input.read(-1)]),
      );
      expect(result).toEqual(['a\n', 'b']);
    },
  },
  {
    name: 'readline() gives lines with their ends, the last without one',
    async run(stage) {
      const result = await reading(stage, { body: 'one\r\n\ntwo' }, async (input) =>
        strings([
          await input.readline(),
          await input.readline(),
          await input.readline(),
          await input.readline(),
        ]),
      );
      expect(result).toEqual(['one\r\n', '\n', 'two', '']);
    },
  },
  {
    name: 'readline(size) cuts a long line and goes on within it',
    async run(stage) {
      const result = await reading(stage, { body: 'abcdef\ng' }, async (input) =>
        strings([await input.readline(4), await input.readline(4), await input.readline(4)]),
      );
      expect(result).toEqual(['abcd', 'ef\n', 'g']);
    },
  },
  {
    name: 'readlines() gives all lines',
    async run(stage) {
      const result = await reading(stage, { body: 'a\nb\n\nc' }, async (input) => [
        strings(await input.readlines()),
        strings(await input.readlines()),
      ]);
      expect(result).toEqual([['a\n', 'b\n', '\n', 'c'], []]);
    },
  },
  {
    name: 'readlines(hint) stops after the line that reaches the hint',
    async run(stage) {
      const result = await reading(stage, { body: 'aa\nbb\ncc\n' }, async (input) => [
        strings(await input.readlines(4)),
        strings(await input.readlines()),
      ]);
      expect(result).toEqual([['aa\n', 'bb\n'], ['cc\n']]);
    },
  },
  {
    name: 'iterating gives lines',
    async run(stage) {
      const result = await reading(stage, { body: 'a\nb\n\nc' }, async (input) => {
        const lines: string[] = [];
        for await (const line of input) lines.push(string(line));
        return lines;
      });
      expect(result).toEqual(['a\n', 'b\n', '\n', 'c']);
    },
  },
  {
    name: 'the four kinds of reading share one position',
    async run(stage) {
      const result = await reading(
        stage,
        { body: 'line\nrest of it\nlast\nend' },
        async (input) => {
          const parts = [await input.readline(), await input.read(5), await input.readline()];
          for await (const line of input) {
            parts.push(line);
            break;
          }
          return strings([...parts, ...(await input.readlines())]);
        },
      );
      expect(result).toEqual(['line\n', 'rest ', 'of it\n', 'last\n', 'end']);
    },
  },
  {
    name: 'calls made before earlier ones are answered are answered in order',
    async run(stage) {
      const result = await reading(stage, { body: 'ab\ncdef' }, async (input) =>
        strings(await Promise.all([input.read(1), input.readline(), input.read(2), input.read()])),
      );
      expect(result).toEqual(['a', 'b\n', 'cd', 'ef']);
    },
  },
  {
    name: 'readChunks gives the body in pieces of at most the size',
    async run(stage) {
      const body = 'x'.repeat(1000);
      const sizes = await reading(stage, { body }, async (input) => {
        const list: number[] = [];
        for await (const chunk of readChunks(input, 300)) list.push(chunk.length);
        return list;
      });
      expect(Math.max(...sizes)).toBeLessThanOrEqual(300);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1000);
    },
  },
  {
    name: 'a request without a body reads as empty at once, in every way',
    async run(stage) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const result = await reading(stage, { method }, async (input) => {
          const parts = [await input.read(10), await input.readline(), await input.read()];
          for await (const line of input) parts.push(line);
          return strings([...parts, ...(await input.readlines())]);
        });
        expect(result).toEqual(['', '', '']);
      }
    },
  },
  {
    name: 'a GET may have a body',
    async run(stage) {
      const result = await reading(stage, { method: 'GET', body: 'odd' }, async (input) =>
        string(await input.read()),
      );
      expect(result).toBe('odd');
    },
  },
  {
    name: 'every byte value arrives as it was sent',
    async run(stage) {
      const body = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255));
      const headers: Array<[string, string]> = [['Content-Type', 'application/json']];
      const result = await reading(stage, { body, headers }, (input) => input.read());
      expect(Buffer.from(result).equals(body)).toBe(true);
    },
  },
  {
    name: 'no content type makes the host read or parse the body first',
    async run(stage) {
      for (const type of [
        'application/json',
        'application/x-www-form-urlencoded',
        'text/plain',
        'multipart/form-data; boundary=b',
        'application/vnd.odd+json; v=1',
      ]) {
        const result = await reading(
          stage,
          { body: '{"not": json', headers: [['Content-Type', type]] },
          async (input) => string(await input.read()),
        );
        expect(result).toBe('{"not": json');
      }
    },
  },
  {
    name: 'a body without a length is read to its end, and CONTENT_LENGTH is not invented',
    async run(stage) {
      const seen: unknown[] = [];
      const mounted = await stage.mount(async (environ, startResponse) => {
        const input = environ['wsgi.input'];
        seen.push(environ.CONTENT_LENGTH ?? '', environ['wsgi.input_terminated']);
        seen.push(string(await input.readline()), string(await input.read()));
        return ok(startResponse);
      });
      const exchange = (await mounted.connect()).start({
        method: 'PUT',
        upload: 'unsized',
      });
      await exchange.send('first');
      await exchange.send(' line\nseco');
      await exchange.send('nd');
      exchange.finish();
      expect((await exchange.response).status).toBe(200);
      expect(seen).toEqual(['', true, 'first line\n', 'second']);
    },
  },
  {
    name: 'a response can begin before the upload has ended',
    async run(stage) {
      const mounted = await stage.mount(async function* (environ, startResponse) {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        for await (const line of environ['wsgi.input']) yield Buffer.from(`got ${string(line)}`);
      });
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 'unsized',
      });
      await exchange.send('one\n');
      await exchange.until('got one\n');
      await exchange.send('two\n');
      await exchange.until('got two\n');
      exchange.finish();
      const response = await exchange.response;
      expect([response.text, response.complete]).toEqual(['got one\ngot two\n', true]);
    },
  },
  {
    name: 'a client that expects 100 Continue gets it, and its body is read',
    async run(stage) {
      const seen: string[] = [];
      const mounted = await stage.mount(async (environ, startResponse) => {
        seen.push(string(await environ['wsgi.input'].read()));
        return ok(startResponse);
      });
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 4,
        headers: [['Expect', '100-continue']],
      });
      while (exchange.informational.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await exchange.send('body');
      exchange.finish();
      expect((await exchange.response).status).toBe(200);
      expect(seen).toEqual(['body']);
      expect(exchange.informational).toEqual([100]);
    },
  },
];
