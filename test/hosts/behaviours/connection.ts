import type { Application } from '@wsgi/core';
import { expect } from 'vitest';
import type { RequestSpec } from '../client/index.ts';
import type { Behaviour, Mounted, Stage } from '../stage.ts';
import { bytes, deferred, ok, pause, text } from './apps.ts';

/** The first response is whole, and the server serves on: on this connection, or having closed it. */
async function expectServedOn(mounted: Mounted, spec: RequestSpec): Promise<boolean> {
  const connection = await mounted.connect();
  const first = await connection.start(spec).response;
  expect([first.status, first.text, first.complete]).toEqual([200, 'ok', true]);
  await pause(10);
  const kept = !connection.closed;
  const again = kept ? connection : await mounted.connect();
  const second = await again.start({ target: '/next' }).response;
  expect([second.status, second.text, second.complete]).toEqual([200, 'ok', true]);
  return kept;
}

const mountReader = (stage: Stage, size: number): Promise<Mounted> => {
  const app: Application = async (environ, startResponse) => {
    if (environ.PATH_INFO !== '/next' && size > 0) await environ['wsgi.input'].read(size);
    return ok(startResponse);
  };
  return stage.mount(app);
};

const small = 'x'.repeat(1000);
const large = Buffer.alloc(8 * 1024 * 1024);

export const connection: Behaviour[] = [
  {
    name: 'a connection serves many requests, one after the other',
    async run(stage) {
      const mounted = await stage.mount(async (environ, startResponse) => {
        const body = Buffer.from(await environ['wsgi.input'].read()).toString();
        return ok(startResponse, `${environ.REQUEST_METHOD} ${environ.PATH_INFO} ${body}`);
      });
      const connection = await mounted.connect();
      for (let i = 0; i < 20; i++) {
        const spec =
          i % 2 ? { target: `/${i}` } : { method: 'POST', target: `/${i}`, body: `b${i}` };
        const response = await connection.start(spec).response;
        expect(response.text).toBe(i % 2 ? `GET /${i} ` : `POST /${i} b${i}`);
        expect(connection.closed).toBe(false);
      }
    },
  },
  {
    name: 'requests sent together on one connection each get their own answer',
    async run(stage) {
      const go = deferred();
      const mounted = await stage.mount(async function* (environ, startResponse) {
        if (environ.PATH_INFO === '/0') await go.promise;
        const body = Buffer.from(await environ['wsgi.input'].read()).toString();
        startResponse('200 OK', [...text]);
        yield bytes(environ.PATH_INFO);
        yield bytes(body);
      });
      const connection = await mounted.connect();
      const exchanges = Array.from({ length: 8 }, (_, i) =>
        connection.start({
          method: 'POST',
          target: `/${i}`,
          body: ` body ${i}`,
        }),
      );
      await pause(5);
      go.resolve();
      const responses = await Promise.all(exchanges.map((exchange) => exchange.response));
      expect(responses.map((response) => response.text)).toEqual(
        responses.map((_, i) => `/${i} body ${i}`),
      );
    },
  },
  {
    name: 'a body that was not read does not spoil the next request',
    async run(stage) {
      const mounted = await mountReader(stage, 0);
      expect(await expectServedOn(mounted, { method: 'POST', body: small })).toBe(true);
    },
  },
  {
    name: 'a body that was read by half does not spoil the next request',
    async run(stage) {
      const mounted = await mountReader(stage, 10);
      expect(await expectServedOn(mounted, { method: 'POST', body: small })).toBe(true);
    },
  },
  {
    name: 'an unsized body that was read by half does not spoil the next request',
    async run(stage) {
      const mounted = await mountReader(stage, 4);
      const connection = await mounted.connect();
      const exchange = connection.start({ method: 'POST', upload: 'unsized' });
      await exchange.send(small);
      await exchange.send(small);
      exchange.finish();
      const first = await exchange.response;
      expect([first.text, first.complete]).toEqual(['ok', true]);
      expect((await connection.start({ target: '/next' }).response).text).toBe('ok');
    },
  },
  {
    name: 'a large body that was not read costs at most the connection, never the response',
    async run(stage) {
      const mounted = await mountReader(stage, 0);
      await expectServedOn(mounted, { method: 'POST', body: large });
    },
  },
  {
    name: 'a large body that was read by half costs at most the connection, never the response',
    async run(stage) {
      const mounted = await mountReader(stage, 100_000);
      await expectServedOn(mounted, { method: 'POST', body: large });
    },
  },
  {
    name: 'a response does not wait for the rest of an upload that the application does not want',
    async run(stage) {
      const mounted = await mountReader(stage, 4);
      const exchange = (await mounted.connect()).start({
        method: 'POST',
        upload: 1_000_000,
      });
      await exchange.send('some of it');
      const head = await exchange.head;
      expect(head.status).toBe(200);
      await exchange.until('ok');
    },
  },
  {
    name: 'a client that asks for the connection to be closed gets a whole response',
    async run(stage) {
      const mounted = await stage.mount(function* (_environ, startResponse) {
        startResponse('200 OK', [...text]);
        yield bytes('un');
        yield bytes('sized');
      });
      const response = await mounted.fetch({ close: true });
      expect([response.text, response.complete]).toEqual(['unsized', true]);
    },
  },
  {
    name: 'the oldest client gets whole responses, sized and unsized',
    async run(stage) {
      const mounted = await stage.mount(function* (environ, startResponse) {
        startResponse('200 OK', [...text, ...sized(environ.PATH_INFO)]);
        yield bytes('answer');
      });
      for (const target of ['/sized', '/unsized']) {
        const response = await mounted.fetch({ target, oldest: true });
        expect([response.status, response.text, response.complete]).toEqual([200, 'answer', true]);
      }
    },
  },
  {
    name: 'the first chunk of an event stream arrives while the second is awaited',
    async run(stage) {
      const go = deferred();
      const mounted = await stage.mount(async function* (_environ, startResponse) {
        startResponse('200 OK', [
          ['Content-Type', 'text/event-stream'],
          ['Cache-Control', 'no-cache'],
        ]);
        yield bytes('data: first\n\n');
        await go.promise;
        yield bytes('data: second\n\n');
      });
      const exchange = (await mounted.connect()).start();
      expect((await exchange.head).status).toBe(200);
      await exchange.until('data: first\n\n');
      go.resolve();
      const response = await exchange.response;
      expect([response.text, response.complete]).toEqual(['data: first\n\ndata: second\n\n', true]);
    },
  },
  {
    name: 'a chunk is handed over before the next is asked for',
    async run(stage) {
      // Were chunks asked for ahead of the transport, the second would be asked for before the first is received.
      const received = deferred();
      const log: string[] = [];
      const mounted = await stage.mount(async function* (_environ, startResponse) {
        startResponse('200 OK', [...text]);
        for (const word of ['one', 'two', 'three']) {
          log.push(`made ${word}`);
          yield bytes(word);
          await received.promise;
        }
      });
      const exchange = (await mounted.connect()).start();
      await exchange.until('one');
      expect(log).toEqual(['made one']);
      received.resolve();
      expect((await exchange.response).text).toBe('onetwothree');
    },
  },
];

function sized(path: string): Array<[string, string]> {
  return path === '/sized' ? [['Content-Length', '6']] : [];
}
