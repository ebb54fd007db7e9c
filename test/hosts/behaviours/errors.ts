import type { Application } from '@wsgi/core';
import { expect } from 'vitest';
import type { Behaviour, Stage } from '../stage.ts';
import { bytes, deferred, eventually, expectPlain500, ok, text } from './apps.ts';

/** The error comes before the first byte: the stack is reported, and strangers get a plain 500. */
const early = (name: string, app: (failure: Error) => Application): Behaviour => ({
  name,
  async run(stage) {
    const failure = new RangeError('the secret of the application');
    const mounted = await stage.mount(app(failure));
    const connection = await mounted.connect();
    expectPlain500(mounted, await connection.start().response, 'secret');
    expect(mounted.reported()).toContain('RangeError: the secret of the application');
    expect(mounted.reported()).toMatch(/\n\s+at .*errors\.ts/);
    // A host's own error handling, where it has one, was given this very error, once.
    if (mounted.handed !== undefined) expect(mounted.handed).toEqual([failure]);
  },
});

/** The error comes after bytes were received: it is reported, and no client takes the response for whole. */
const late = (
  name: string,
  app: (failure: Error, received: Promise<void>) => Application,
): Behaviour => ({
  name,
  async run(stage) {
    const failure = new RangeError('the secret of the application');
    const received = deferred();
    const mounted = await stage.mount(app(failure, received.promise));
    const exchange = (await mounted.connect()).start();
    await exchange.until('part');
    received.resolve();
    const response = await exchange.response;
    expect([response.status, response.text, response.complete]).toEqual([200, 'part', false]);
    expect(mounted.reported()).toContain('RangeError: the secret of the application');
    expect(mounted.reported()).toMatch(/\n\s+at .*errors\.ts/);
    expect((await mounted.fetch({ target: `${mounted.target}next` })).status).toBe(200);
  },
});

/** A thrown thing that is no Error, or is hostile to whoever looks at it: still a 500, and still a report. */
async function expectSurvives(stage: Stage, thrown: unknown): Promise<void> {
  for (const app of [
    () => {
      throw thrown;
    },
    async () => Promise.reject(thrown),
  ] as Application[]) {
    const mounted = await stage.mount(
      (environ, startResponse) =>
        environ.PATH_INFO === '/next' ? ok(startResponse) : app(environ, startResponse),
      { unwrapped: 'throws what is no error' },
    );
    const response = await mounted.fetch();
    expectPlain500(mounted, response, 'secret');
    expect(mounted.reported()).not.toBe('');
    expect((await mounted.fetch({ target: '/next' })).status).toBe(200);
  }
}

export const errors: Behaviour[] = [
  early('an application that throws', (failure) => () => {
    throw failure;
  }),
  early('an application that rejects', (failure) => async () => {
    await null;
    throw failure;
  }),
  early(
    'an application that throws after startResponse',
    (failure) => (_environ, startResponse) => {
      startResponse('200 OK', [...text]);
      throw failure;
    },
  ),
  early(
    'a generator that throws before its first chunk',
    (failure) =>
      // biome-ignore lint/correctness/useYield: it fails before its first chunk.
      function* (_environ, startResponse) {
        startResponse('200 OK', [...text]);
        throw failure;
      },
  ),
  early(
    'an async generator that throws after empty chunks',
    (failure) =>
      async function* (_environ, startResponse) {
        startResponse('200 OK', [...text]);
        yield bytes('');
        throw failure;
      },
  ),
  {
    name: 'an error page has none of the headers of the response that failed',
    async run(stage) {
      const mounted = await stage.mount((_environ, startResponse) => {
        startResponse('200 OK', [
          ['Content-Type', 'image/png'],
          ['Content-Length', '100000'],
          ['Set-Cookie', 'session=secret'],
          ['Content-Encoding', 'gzip'],
          ['ETag', '"secret"'],
          ['Cache-Control', 'public, max-age=1000'],
        ]);
        throw new Error('late second thoughts');
      });
      const response = await mounted.fetch();
      expectPlain500(mounted, response, 'secret');
      for (const name of ['set-cookie', 'content-encoding', 'etag', 'cache-control']) {
        expect(response.header(name)).toBeUndefined();
      }
      expect(response.header('content-type')).not.toBe('image/png');
    },
  },
  {
    name: 'the connection serves on after a 500',
    async run(stage) {
      const mounted = await stage.mount((environ, startResponse) => {
        if (environ.PATH_INFO === '/fail') throw new Error('failed');
        return ok(startResponse);
      });
      const connection = await mounted.connect();
      expect((await connection.start({ target: '/fail' }).response).status).toBe(500);
      expect((await connection.start({ target: '/' }).response).text).toBe('ok');
    },
  },
  {
    name: 'an environ option that throws costs its request a 500, without a body for HEAD, and no other request',
    async run(stage) {
      const failing = ['first', 'second'];
      const environ = () => {
        const failure = failing.shift();
        if (failure !== undefined) throw new Error(failure);
        return {};
      };
      const mounted = await stage.mount((_environ, startResponse) => ok(startResponse), {
        environ,
      });
      const connection = await mounted.connect();
      const head = await connection.start({ method: 'HEAD' }).response;
      expect([head.status, head.body.length, head.complete]).toEqual([500, 0, true]);
      expect((await connection.start({ method: 'POST', body: 'abc' }).response).status).toBe(500);
      expect((await connection.start({ target: '/' }).response).text).toBe('ok');
      expect(mounted.reported()).toContain('Error: second');
    },
  },
  {
    name: 'HEAD of an application that throws is a 500 without a body',
    async run(stage) {
      const mounted = await stage.mount(() => {
        throw new Error('failed');
      });
      const response = await mounted.fetch({ method: 'HEAD' });
      expect([response.status, response.body.length, response.complete]).toEqual([500, 0, true]);
    },
  },
  late(
    'an async generator that throws after a chunk',
    (failure, received) =>
      async function* (environ, startResponse) {
        startResponse('200 OK', [...text]);
        yield bytes('part');
        if (environ.PATH_INFO.endsWith('next')) return;
        await received;
        throw failure;
      },
  ),
  late(
    'an error after a chunk under a Content-Length',
    (failure, received) =>
      async function* (environ, startResponse) {
        const next = environ.PATH_INFO.endsWith('next');
        startResponse('200 OK', [...text, ['Content-Length', next ? '4' : '9']]);
        yield bytes('part');
        if (next) return;
        await received;
        throw failure;
      },
  ),
  late(
    'an application that throws after a write',
    (failure, received) => async (environ, startResponse) => {
      await startResponse('200 OK', [...text])(bytes('part'));
      if (environ.PATH_INFO.endsWith('next')) return [];
      await received;
      throw failure;
    },
  ),
  {
    name: 'an error after the last promised byte is reported, and never spoils the body',
    async run(stage) {
      const mounted = await stage.mount(async function* (_environ, startResponse) {
        startResponse('200 OK', [...text, ['Content-Length', '4']]);
        yield bytes('full');
        throw new Error('too late to matter');
      });
      const response = await mounted.fetch();
      expect('full'.startsWith(response.text)).toBe(true);
      if (response.complete) expect(response.text).toBe('full');
      await eventually(() => mounted.reported().includes('too late to matter'));
    },
  },
  {
    name: 'what is thrown need not be an error',
    async run(stage) {
      for (const thrown of [
        'secret',
        42,
        null,
        undefined,
        Symbol('secret'),
        { secret: 'secret' },
      ]) {
        await expectSurvives(stage, thrown);
      }
    },
  },
  {
    name: 'an error that is hostile to whoever looks at it is survived',
    async run(stage) {
      const hostile = new Error('secret');
      for (const name of [
        'stack',
        'message',
        'name',
        'cause',
        'toString',
        'status',
        'statusCode',
      ]) {
        Object.defineProperty(hostile, name, {
          get() {
            throw new Error('secret getter');
          },
        });
      }
      await expectSurvives(stage, hostile);
    },
  },
  {
    name: 'wsgi.errors takes text in each of its ways, from right requests too',
    async run(stage) {
      const mounted = await stage.mount((environ, startResponse) => {
        const log = environ['wsgi.errors'];
        log.write('one written\n');
        log.writelines(['two listed\n', 'three listed\n']);
        log.flush();
        return ok(startResponse);
      });
      expect((await mounted.fetch()).status).toBe(200);
      const places = ['one written', 'two listed', 'three listed'].map((line) =>
        mounted.reported().indexOf(line),
      );
      expect(places.every((place) => place >= 0)).toBe(true);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    },
  },
];
