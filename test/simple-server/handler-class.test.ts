import { type Application, TextErrors } from '@wsgi/core';
import { type ServerHandler, WSGIRequestHandler } from '@wsgi/simple-server';
import { describe, expect, it } from 'vitest';
import { dial, echo, exchange, serve, statuses } from './support.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** Fails once. */
function mistake(): () => void {
  let isMade = false;
  return () => {
    if (isMade) return;
    isMade = true;
    throw new Error('planned');
  };
}

type HandlerClass = typeof WSGIRequestHandler;
type MakeHandler = WSGIRequestHandler['makeHandler'];

/** A class whose handlers `change` has changed. */
function changed(change: (handler: ServerHandler) => void): HandlerClass {
  return class extends WSGIRequestHandler {
    override makeHandler(...args: Parameters<MakeHandler>): ServerHandler {
      const handler = super.makeHandler(...args);
      change(handler);
      return handler;
    }
  };
}

it('a handler that is made to speak HTTP/1.0 ends a body of unknown length with the connection', async () => {
  const old = changed((handler) => {
    handler.httpVersion = '1.0';
  });
  let cut: () => void = () => {};
  const isCut = new Promise<void>((resolve) => {
    cut = resolve;
  });
  const server = await serve(
    async function* (environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('a part');
      if (environ.PATH_INFO !== '/cut') return;
      await isCut;
      throw new Error('planned');
    },
    { handlerClass: old, keepAliveTimeout: 0, errors: new TextErrors(() => {}) },
  );
  expect(await exchange(server, get)).toMatch(
    /^HTTP\/1\.0 200 OK\r\n[\s\S]*Connection: close\r\n\r\na part$/,
  );
  // A part that looks like the whole does not end in order.
  const client = await dial(server);
  await client.send(get.replace('/ ', '/cut ')).until(/a part$/);
  const reset = new Promise((resolve) => client.socket.on('error', resolve));
  cut();
  expect(await reset).toMatchObject({ code: 'ECONNRESET' });
});

it('a handler that is made to speak HTTP/1.0 keeps the connection behind a body of known length', async () => {
  const old = changed((handler) => {
    handler.httpVersion = '1.0';
  });
  const client = await dial(await serve(echo, { handlerClass: old }));
  const text = await client.send(get + get).until(/(GET \/[\s\S]*){2}$/);
  expect(text.match(/HTTP\/1\.0 200 OK/g)).toHaveLength(2);
  expect(text).not.toContain('Connection: close');
});

it.each([
  ['Mine/1', ['Server: Mine/1', 'Server: Mine/1']],
  ['', []],
])('a handler class names its software in answers and refusals: %j', async (name, named) => {
  class Mine extends WSGIRequestHandler {
    override serverSoftware = name;
  }
  const text = await exchange(await serve(echo, { handlerClass: Mine }), `${get}nonsense\r\n`);
  expect(statuses(text)).toEqual([200, 400]);
  expect(text.match(/^Server: .*(?=\r)/gm) ?? []).toEqual(named);
});

describe('a handler class costs no more than its connection when it fails', () => {
  const cases: [string, (fail: () => void) => HandlerClass][] = [
    [
      'as it is made',
      (fail) =>
        class extends WSGIRequestHandler {
          constructor(...args: ConstructorParameters<HandlerClass>) {
            super(...args);
            fail();
          }
        },
    ],
    [
      'as it answers for its own failure',
      (fail) =>
        class extends WSGIRequestHandler {
          override getEnviron(): never {
            throw new Error('planned');
          }
          override makeErrorHandler(...args: Parameters<WSGIRequestHandler['makeErrorHandler']>) {
            fail();
            return super.makeErrorHandler(...args);
          }
        },
    ],
    [
      'as it closes a response',
      (fail) =>
        changed((handler) => {
          const close = handler.close.bind(handler);
          let isClosed = false;
          handler.close = () => {
            if (!isClosed) fail();
            isClosed = true;
            return close();
          };
        }),
    ],
    [
      'whenever it closes a response',
      () => {
        let made = 0;
        return changed((handler) => {
          if (made++ === 0) {
            handler.close = () => {
              throw new Error('planned');
            };
          }
        });
      },
    ],
  ];
  const later: Application = async (...args) => {
    await null;
    return echo(...args);
  };

  for (const [kind, app] of Object.entries({ 'a synchronous': echo, 'an asynchronous': later })) {
    it.each(cases)(`%s, with ${kind} application`, async (_what, make) => {
      let reported = '';
      const errors = new TextErrors((text) => {
        reported += text;
      });
      const server = await serve(app, { handlerClass: make(mistake()), errors });
      await exchange(server, get);
      expect(reported).toContain('Error: planned');
      const again = await dial(server);
      expect(statuses(await again.send(get).until(/\r\n\r\n/))).toHaveLength(1);
      again.socket.end();
      await server.shutdown(60_000);
    });
  }
});

it('a request whose handler class fails has been answered, to whoever waits for that', async () => {
  class Failing extends WSGIRequestHandler {
    override makeHandler(...args: Parameters<WSGIRequestHandler['makeHandler']>): ServerHandler {
      const handler = super.makeHandler(...args);
      handler.close = () => {
        throw new Error('planned');
      };
      return handler;
    }
  }
  const server = await serve(echo, { handlerClass: Failing, errors: new TextErrors(() => {}) });
  const answered = server.handleRequest();
  await exchange(server, get);
  await answered;
});
