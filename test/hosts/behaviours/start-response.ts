import type { Application, HeaderList, StartResponse } from '@wsgi/core';
import { expect } from 'vitest';
import type { Behaviour, Stage } from '../stage.ts';
import { bytes, deferred, expectPlain500, ok, text } from './apps.ts';

type Arguments = [status: unknown, headers: unknown];

/** Calls with arguments that no type allows. */
const call = (startResponse: StartResponse, [status, headers]: Arguments): void => {
  Reflect.apply(startResponse, undefined, [status, headers]);
};

/**
 * Each list of arguments is refused with an error that names the offender, changes nothing (a right call with that error
 * makes the response), and left to itself ends as a plain 500.
 */
async function expectRefused(stage: Stage, list: Arguments[]): Promise<void> {
  for (const args of list) {
    const caught: unknown[] = [];
    const recovering = await stage.mount(
      (_environ, startResponse) => {
        try {
          call(startResponse, args);
        } catch (error) {
          caught.push(error);
        }
        startResponse('200 OK', [...text], caught[0]);
        return [bytes('recovered')];
      },
      { unwrapped: 'calls startResponse with wrong arguments' },
    );
    const recovered = await recovering.fetch();
    expect([recovered.status, recovered.text], `${JSON.stringify(args)} is refused`).toEqual([
      200,
      'recovered',
    ]);
    expect(caught, `${JSON.stringify(args)} is refused`).toHaveLength(1);
    expect(caught[0]).toBeInstanceOf(Error);
    expect(recovered.headers.map(([name]) => name)).not.toContain('x-before');
  }
  const careless: Application = (_environ, startResponse) => {
    call(startResponse, list[0] ?? ['', []]);
    return [bytes('never sent')];
  };
  const mounted = await stage.mount(careless, {
    unwrapped: 'calls with wrong arguments',
  });
  expectPlain500(mounted, await mounted.fetch(), 'never sent');
  expect(mounted.reported()).toMatch(/Error: .+\n\s+at /);
}

const named = (name: string, ...value: unknown[]): Arguments => [
  '200 OK',
  [
    ['X-Before', 'x'],
    [name, ...(value.length > 0 ? value : ['x'])],
  ],
];

export const startResponse: Behaviour[] = [
  {
    name: 'the status reaches the client, the reason too where the protocol has one',
    async run(stage) {
      for (const [code, reason] of [
        [200, 'Fine Thanks'],
        [201, 'Created'],
        [299, 'Caf\xe9'],
        [404, 'Gone Fishing'],
        [418, "I'm a teapot"],
        [599, 'Last'],
      ] as const) {
        const mounted = await stage.mount((_environ, startResponse) => {
          startResponse(`${code} ${reason}`, [...text]);
          return [bytes('x')];
        });
        const response = await mounted.fetch();
        expect(response.status).toBe(code);
        expect(response.reason ?? reason).toBe(reason);
      }
    },
  },
  {
    name: 'headers reach the client with their values, repeated ones in order',
    async run(stage) {
      const headers: HeaderList = [
        ['X-First', '1'],
        ...text,
        ['X-Twice', 'a'],
        ['X-Empty', ''],
        ['X-Twice', 'b'],
        ['X-Latin', 'caf\xe9'],
        // One that Node's HTTP/2 takes once only.
        ['Content-Language', 'de'],
        ['Content-Language', 'en'],
        ['Vary', 'Accept'],
        ['Vary', 'Origin'],
      ];
      const mounted = await stage.mount((_environ, startResponse) => {
        startResponse('200 OK', headers);
        return [bytes('x')];
      });
      const response = await mounted.fetch();
      expect(response.header('x-first')).toBe('1');
      expect(response.header('content-type')).toBe('text/plain');
      expect(response.all('x-twice').join(', ')).toBe('a, b');
      expect(response.all('content-language').join(', ')).toBe('de, en');
      expect(response.all('vary').join(', ')).toBe('Accept, Origin');
      expect(response.header('x-empty')).toBe('');
      expect(response.header('x-latin')).toBe('caf\xe9');
    },
  },
  {
    name: 'white space around a value does not cost the client the header',
    async run(stage) {
      const mounted = await stage.mount((_environ, startResponse) => {
        startResponse('200 OK', [...text, ['X-Spaced', ' \ta  b\t '], ['Set-Cookie', ' c=1 ']]);
        return [bytes('x')];
      });
      const response = await mounted.fetch();
      expect(response.status).toBe(200);
      expect(response.header('x-spaced')).toBe('a  b');
      expect(response.all('set-cookie')).toEqual(['c=1']);
    },
  },
  {
    name: 'headers that only HTTP/1 has a use for, as a gateway passes them on, do no harm',
    async run(stage) {
      const mounted = await stage.mount((_environ, startResponse) => {
        startResponse('200 OK', [...text, ['Proxy-Connection', 'close'], ['HTTP2-Settings', 'x']]);
        return [bytes('whole')];
      });
      const response = await mounted.fetch();
      expect([response.status, response.text]).toEqual([200, 'whole']);
      if (mounted.protocol === 'http1') expect(response.header('proxy-connection')).toBe('close');
    },
  },
  {
    name: 'repeated Set-Cookie headers stay apart',
    async run(stage) {
      const mounted = await stage.mount((_environ, startResponse) => {
        startResponse('200 OK', [
          ['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
          ...text,
          ['set-cookie', 'b=2'],
          ['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
        ]);
        return [bytes('x')];
      });
      expect((await mounted.fetch()).all('set-cookie')).toEqual([
        'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
        'b=2',
        'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
      ]);
    },
  },
  {
    name: 'large and many response headers arrive whole',
    async run(stage) {
      const many = Array.from({ length: 60 }, (_, i): [string, string] => [`X-N-${i}`, `${i}`]);
      const mounted = await stage.mount((_environ, startResponse) => {
        startResponse('200 OK', [...text, ...many, ['X-Large', 'y'.repeat(6000)]]);
        return [bytes('x')];
      });
      const response = await mounted.fetch();
      expect(response.header('x-large')).toBe('y'.repeat(6000));
      for (const [name, value] of many) expect(response.header(name.toLowerCase())).toBe(value);
    },
  },
  {
    name: 'a response has one Date, and the application’s Date and Server stand',
    async run(stage) {
      const plain = await stage.mount((_environ, startResponse) => ok(startResponse));
      expect(Date.parse((await plain.fetch()).header('date') ?? '')).not.toBeNaN();
      const date = 'Thu, 01 Jan 1970 00:00:00 GMT';
      const own = await stage.mount((_environ, startResponse) => {
        startResponse('200 OK', [['Date', date], ['Server', 'mine'], ...text]);
        return [bytes('x')];
      });
      const response = await own.fetch();
      expect([response.all('date'), response.all('server')]).toEqual([[date], ['mine']]);
    },
  },
  {
    name: 'a status of the wrong shape is refused',
    run: (stage) =>
      expectRefused(stage, [
        ['200', []],
        ['200OK', []],
        ['20 OK', []],
        ['2000 OK', []],
        ['099 Low', []],
        ['600 High', []],
        ['two hundred', []],
        [' 200 OK', []],
        ['', []],
        [200, []],
        [undefined, []],
      ]),
  },
  {
    name: 'a reason with control characters is refused',
    run: (stage) =>
      expectRefused(stage, [
        ['200 OK\r\nX-Injected: 1', []],
        ['200 O\nK', []],
        ['200 O\rK', []],
        ['200 O\0K', []],
        ['200 O\x7fK', []],
        ['200 O\tK', []],
      ]),
  },
  {
    name: 'a reason with code units above U+00FF is refused',
    run: (stage) => expectRefused(stage, [['200 Snow \u2603', []]]),
  },
  {
    name: 'a 1xx status is refused',
    run: (stage) =>
      expectRefused(stage, [
        ['100 Continue', []],
        ['101 Switching Protocols', []],
        ['103 Early Hints', []],
      ]),
  },
  {
    name: 'headers that are no array of pairs of strings are refused',
    run: (stage) =>
      expectRefused(stage, [
        ['200 OK', undefined],
        ['200 OK', null],
        ['200 OK', { 'Content-Type': 'text/plain' }],
        ['200 OK', new Map([['a', 'b']])],
        ['200 OK', ['Content-Type: text/plain']],
        ['200 OK', [['X-Before']]],
        ['200 OK', [['X-Before', 'a', 'b']]],
        ['200 OK', [undefined]],
        named('X-N', 1),
        named('X-N', undefined),
        named('X-N', ['a', 'b']),
      ]),
  },
  {
    name: 'a header name that is no token is refused',
    run: (stage) =>
      expectRefused(stage, [
        named(''),
        named('X Space'),
        named('X-Colon:'),
        named('X-New\r\nX-Injected: 1'),
        named('X-\xe9'),
        named('X-\0'),
        named(':status'),
        named('(comment)'),
      ]),
  },
  {
    name: 'a header value with control characters, or above U+00FF, is refused',
    run: (stage) =>
      expectRefused(stage, [
        named('X-A', 'x\r\nX-Injected: 1'),
        named('X-A', 'x\nfolded'),
        named('X-A', 'x\r'),
        named('X-A', 'x\0'),
        named('X-A', 'x\x1b[31m'),
        named('X-A', 'x\x7f'),
        named('X-A', 'snow \u2603'),
        named('X-A', '\u010a'),
      ]),
  },
  {
    name: 'hop-by-hop headers are refused',
    run: (stage) =>
      expectRefused(
        stage,
        [
          'Connection',
          'Keep-Alive',
          'Trailer',
          'Proxy-Authenticate',
          'Proxy-Authorization',
          'TE',
          'Trailers',
          'Transfer-Encoding',
          'transfer-encoding',
          'Upgrade',
        ].map((name) => named(name)),
      ),
  },
  {
    name: 'a second call without excInfo is an error, and the first one stands',
    async run(stage) {
      const caught: unknown[] = [];
      const mounted = await stage.mount(
        (_environ, startResponse) => {
          startResponse('201 First', [...text]);
          // Python's None is `null` to some, and undefined to others.
          for (const nothing of [undefined, null]) {
            try {
              startResponse('202 Second', [...text], nothing);
            } catch (error) {
              caught.push(error);
            }
          }
          return [bytes('first')];
        },
        { unwrapped: 'calls startResponse twice' },
      );
      const response = await mounted.fetch();
      expect([response.status, response.text]).toEqual([201, 'first']);
      expect(caught).toEqual([expect.any(Error), expect.any(Error)]);
    },
  },
  {
    name: 'a second call without excInfo is an error after a first one that failed, too',
    async run(stage) {
      const caught: unknown[] = [];
      const mounted = await stage.mount(
        (_environ, startResponse) => {
          for (const status of ['no status', '201 Second']) {
            try {
              startResponse(status, [...text]);
            } catch (error) {
              caught.push(error);
            }
          }
          startResponse('202 Third', [...text], caught[0]);
          return [bytes('third')];
        },
        { unwrapped: 'calls startResponse with wrong arguments' },
      );
      const response = await mounted.fetch();
      expect([response.status, response.text]).toEqual([202, 'third']);
      expect(caught).toEqual([expect.any(Error), expect.any(Error)]);
      expect(String(caught[1])).toContain("'201 Second' after a call that failed");
    },
  },
  {
    name: 'a second call without excInfo, left to itself, ends as a plain 500',
    async run(stage) {
      const mounted = await stage.mount(
        (_environ, startResponse) => {
          startResponse('200 OK', [...text, ['X-First', 'secret']]);
          startResponse('200 OK', [...text]);
          return [bytes('secret')];
        },
        { unwrapped: 'calls startResponse twice' },
      );
      expectPlain500(mounted, await mounted.fetch(), 'secret');
    },
  },
  {
    name: 'a call with excInfo before the headers are sent replaces them',
    async run(stage) {
      const mounted = await stage.mount(function* (_environ, startResponse) {
        startResponse('200 OK', [...text, ['X-First', 'gone'], ['Content-Length', '1000']]);
        yield bytes('');
        startResponse('503 Sorry', [...text, ['X-Second', 'here']], new Error('caught'));
        yield bytes('sorry');
      });
      const response = await mounted.fetch();
      expect([response.status, response.text, response.complete]).toEqual([503, 'sorry', true]);
      expect(response.header('x-first')).toBeUndefined();
      expect(response.header('content-length')).not.toBe('1000');
      expect(response.header('x-second')).toBe('here');
    },
  },
  {
    name: 'a call with excInfo after the headers are sent throws that error, and the response is cut',
    async run(stage) {
      const failure = new Error('failed midway');
      const thrown: unknown[] = [];
      const received = deferred();
      const mounted = await stage.mount(async function* (_environ, startResponse) {
        startResponse('200 OK', [...text]);
        yield bytes('some');
        await received.promise;
        try {
          startResponse('500 Oops', [...text], failure);
        } catch (error) {
          thrown.push(error);
          throw error;
        }
        yield bytes('never');
      });
      const exchange = (await mounted.connect()).start();
      await exchange.until('some');
      received.resolve();
      const response = await exchange.response;
      expect([response.status, response.complete, response.text]).toEqual([200, false, 'some']);
      expect(thrown).toEqual([failure]);
      expect(mounted.reported()).toContain('failed midway');
    },
  },
  {
    name: 'a body without a startResponse is a 500, and the report says so',
    async run(stage) {
      const unwrapped = 'never calls startResponse';
      for (const app of [
        () => [bytes('secret')],
        () => [],
        async () => [bytes('secret')],
        function* () {
          yield bytes('secret');
        },
        async function* () {},
      ] as Application[]) {
        const mounted = await stage.mount(app, { unwrapped });
        expectPlain500(mounted, await mounted.fetch(), 'secret');
        expect(mounted.reported()).toMatch(/startResponse/);
      }
    },
  },
  {
    name: 'startResponse need not be called before the first chunk that is not empty',
    async run(stage) {
      const mounted = await stage.mount(
        function* (_environ, startResponse) {
          yield bytes('');
          yield bytes('');
          startResponse('202 Late', [...text]);
          yield bytes('in time');
        },
        { unwrapped: 'PEP 3333 lets it, wsgiref’s validator does not' },
      );
      const response = await mounted.fetch();
      expect([response.status, response.text]).toEqual([202, 'in time']);
    },
  },
  {
    name: 'nothing is sent for empty chunks',
    async run(stage) {
      const go = deferred();
      const mounted = await stage.mount(async function* (_environ, startResponse) {
        startResponse('200 OK', [...text]);
        yield bytes('');
        await go.promise;
        startResponse('404 Changed', [...text], new Error('a second thought'));
        yield bytes('x');
      });
      const exchange = (await mounted.connect()).start();
      let begun = false;
      exchange.head.then(() => {
        begun = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(begun).toBe(false);
      go.resolve();
      expect((await exchange.response).status).toBe(404);
    },
  },
  {
    name: 'what is written comes before what is returned',
    async run(stage) {
      const mounted = await stage.mount((_environ, startResponse) => {
        const write = startResponse('200 OK', [...text]);
        write(bytes('one '));
        write(bytes(''));
        write(bytes('two '));
        return [bytes('three '), bytes('four')];
      });
      const response = await mounted.fetch();
      expect([response.text, response.complete]).toEqual(['one two three four', true]);
    },
  },
  {
    name: 'a write reaches the client at once',
    async run(stage) {
      const go = deferred();
      const mounted = await stage.mount(async (_environ, startResponse) => {
        const write = startResponse('200 OK', [...text]);
        await write(bytes('early '));
        await go.promise;
        await write(bytes('later '));
        return [bytes('last')];
      });
      const exchange = (await mounted.connect()).start();
      await exchange.until('early ');
      go.resolve();
      expect((await exchange.response).text).toBe('early later last');
    },
  },
  {
    name: 'writes alone make a response',
    async run(stage) {
      const mounted = await stage.mount((_environ, startResponse) => {
        startResponse('200 OK', [...text])(bytes('all'));
        return [];
      });
      const response = await mounted.fetch();
      expect([response.status, response.text, response.complete]).toEqual([200, 'all', true]);
    },
  },
  {
    name: 'writes that nobody awaits keep their order when the transport is full',
    async run(stage) {
      const block = 256 * 1024;
      const mounted = await stage.mount((_environ, startResponse) => {
        const write = startResponse('200 OK', [...text]);
        for (let i = 0; i < 16; i++) void write(Buffer.alloc(block, 65 + i));
        return [bytes('!')];
      });
      const exchange = (await mounted.connect()).start();
      const { body, complete } = await exchange.response;
      expect([body.length, complete]).toEqual([16 * block + 1, true]);
      const order = Array.from({ length: 17 }, (_, i) => body[i * block]);
      expect(Buffer.from(order.map(Number)).toString()).toBe('ABCDEFGHIJKLMNOP!');
    },
  },
  {
    name: 'a write of anything but bytes is refused',
    async run(stage) {
      for (const data of ['a string', 1, undefined, [1, 2]]) {
        const mounted = await stage.mount(
          (_environ, startResponse) => {
            const write = startResponse('200 OK', [...text]);
            Reflect.apply(write, undefined, [data]);
            return [];
          },
          { unwrapped: 'writes what are no bytes' },
        );
        expectPlain500(mounted, await mounted.fetch(), 'a string');
        expect(mounted.reported()).toMatch(/bytes|Uint8Array/);
      }
    },
  },
];
