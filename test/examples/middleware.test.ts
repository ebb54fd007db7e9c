import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import {
  type Application,
  type Environ,
  type HeaderList,
  Headers,
  type ResponseBody,
  setupTestingDefaults,
  validator,
} from '@wsgi/core';
import { mountGateway } from '@wsgi/http';
import {
  basicAuth,
  gzip,
  methodOverride,
  requestId,
  type Timing,
  timing,
} from '@wsgi-examples/middleware';
import { describe, expect, test } from 'vitest';

type Middleware = (app: Application) => Application;

const text = 'a line of text\n'.repeat(40);
const accept = { HTTP_ACCEPT_ENCODING: 'br, gzip' };
const logIn = (user: string, password: string) => user === 'Ada' && password === 'love:lace';
const ada = { HTTP_AUTHORIZATION: `Basic ${btoa('Ada:love:lace')}` };

const all: Array<[string, Middleware, Partial<Environ>]> = [
  ['request id', requestId, {}],
  ['timing', (app) => timing(app, () => {}), {}],
  ['gzip', gzip, accept],
  ['basic auth', (app) => basicAuth(app, logIn), ada],
  ['basic auth that waits', (app) => basicAuth(app, async (user) => user === 'Ada'), ada],
  ['method override', methodOverride, {}],
  [
    'all of them',
    (app) => requestId(timing(gzip(basicAuth(methodOverride(app), logIn)), () => {})),
    { ...accept, ...ada },
  ],
];

describe.each(all)('%s', (name, middleware, entries) => {
  test.each([
    ['an array', (chunks: Uint8Array[]) => chunks],
    [
      'a generator',
      function* (chunks: Uint8Array[]) {
        yield* chunks;
      },
    ],
    [
      'an async generator',
      async function* (chunks: Uint8Array[]) {
        yield* chunks;
      },
    ],
    ['a promise', async (chunks: Uint8Array[]) => chunks],
  ])('keeps the rules, and closes %s once', async (_kind, make) => {
    let closed = 0;
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      const chunks = [Buffer.from(text), Buffer.alloc(0), Buffer.from(text)];
      const close = () => {
        closed += 1;
      };
      const made = make(chunks);
      return made instanceof Promise
        ? made.then((body) => Object.assign(body, { close }))
        : Object.assign(made, { close });
    };
    const { status, body } = await play(middleware(validator(app)), entries);
    expect(status).toBe('200 OK');
    expect(String(body)).toBe(text + text);
    expect(closed).toBe(1);
  });

  test('takes a promise of any library', async () => {
    let closed = 0;
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      const close = () => {
        closed += 1;
        return promiseOf(undefined);
      };
      return promiseOf(Object.assign([Buffer.from(text)], { close }));
    };
    const { body } = await play(middleware(app), entries);
    expect(String(body)).toBe(text);
    expect(closed).toBe(1);
  });

  test('closes a body that is left unfinished, and is heard when close() fails', async () => {
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      const close = () => Promise.reject(new Error('close failed'));
      return Object.assign([Buffer.from(text)], { close });
    };
    const body = await start(middleware(app), entries);
    await expect(async () => body.close?.()).rejects.toThrow('close failed');
  });

  test.each(['before its first chunk', 'while it waits for its second'])(
    'destroys a stream that is left %s',
    async (when) => {
      const stream = new PassThrough();
      stream.write(text);
      const app: Application = (_environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return stream;
      };
      const server = createServer(
        mountGateway(async (environ, startResponse) => {
          const body = await middleware(app)(Object.assign(environ, entries), startResponse);
          if (when === 'before its first chunk') environ['node.request']?.socket.destroy();
          return body;
        }),
      );
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      const asked = request({ port, agent: false }).end();
      asked.on('error', () => {});
      asked.on('response', (response) => {
        response.on('error', () => {}).once('data', () => asked.destroy());
      });
      await new Promise((resolve) => stream.on('error', () => {}).once('close', resolve));
      expect(stream.destroyed).toBe(true);
      server.close();
    },
  );

  test('stays synchronous around a synchronous application', () => {
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.from(text)];
    };
    const body = middleware(app)(environOf(entries), () => () => {});
    expect(body instanceof Promise).toBe(name === 'basic auth that waits');
    if (body instanceof Promise) return;
    expect(Symbol.iterator in body).toBe(true);
    expect(body.close?.()).toBeUndefined();
  });

  test('passes write() on', async () => {
    const app: Application = (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
      write(Buffer.from('written, '));
      return [Buffer.from('returned')];
    };
    expect(String((await play(middleware(app), entries)).body)).toBe('written, returned');
  });
});

describe('request id', () => {
  test('keeps a name from the client, and replaces what is none', async () => {
    const kept = await play(requestId(hello), { HTTP_X_REQUEST_ID: 'a-1' });
    expect(kept.headers.getAll('X-Request-Id')).toEqual(['a-1']);
    const made = await play(requestId(hello), { HTTP_X_REQUEST_ID: 'a b\n' });
    expect(made.headers.get('X-Request-Id')).toMatch(/^[\da-f-]{36}$/);
    expect(made.environ['example.request_id']).toBe(made.headers.get('X-Request-Id'));
  });

  test('is the only one, whatever the application brings', async () => {
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', [
        ['x-request-id', 'a-1'],
        ['Content-Type', 'text/plain'],
      ]);
      return [];
    };
    const { headers } = await play(requestId(app), { HTTP_X_REQUEST_ID: 'a-2' });
    expect(headers.getAll('X-Request-Id')).toEqual(['a-2']);
  });
});

describe('timing', () => {
  test('reports status, bytes and time when the response is over', async () => {
    const reports: Timing[] = [];
    const body = await start(
      timing(hello, (report) => void reports.push(report)),
      { PATH_INFO: '/x' },
    );
    const iterator = Symbol.iterator in body ? body[Symbol.iterator]() : undefined;
    iterator?.next();
    expect(reports).toEqual([]);
    await body.close?.();
    expect(reports).toEqual([
      { method: 'GET', path: '/x', status: '200 OK', bytes: 5, milliseconds: expect.any(Number) },
    ]);
  });
});

describe('gzip', () => {
  test('drops the length, weakens the ETag and says on what it depends', async () => {
    const fields: HeaderList = [
      ['Content-Type', 'application/json'],
      ['Content-Length', '2'],
      ['ETag', '"1"'],
    ];
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', fields);
      return [Buffer.from('{}')];
    };
    const { headers } = await play(gzip(app), accept);
    expect(headers.items().slice(1)).toEqual([
      ['Vary', 'Accept-Encoding'],
      ['Content-Encoding', 'gzip'],
      ['ETag', 'W/"1"'],
    ]);
    const plain = await play(gzip(app), { HTTP_ACCEPT_ENCODING: 'gzip;q=0, br' });
    expect(plain.headers.items()).toEqual([...fields, ['Vary', 'Accept-Encoding']]);
  });

  test('tells of a text that has not changed what it would tell of the text', async () => {
    const app: Application = (_environ, startResponse) => {
      startResponse('304 Not Modified', [['ETag', '"1"']]);
      return [];
    };
    const { headers, body } = await play(gzip(app), accept);
    expect(headers.items()).toEqual([
      ['Vary', 'Accept-Encoding'],
      ['ETag', 'W/"1"'],
    ]);
    expect(body).toHaveLength(0);
    const plain = await play(gzip(app), {});
    expect(plain.headers.items()).toEqual([
      ['ETag', '"1"'],
      ['Vary', 'Accept-Encoding'],
    ]);
  });

  test.each([
    ['a picture', '200 OK', [['Content-Type', 'image/png']]],
    ['part of a text', '206 Partial Content', [['Content-Type', 'text/plain']]],
    [
      'what is compressed',
      '200 OK',
      [
        ['Content-Type', 'text/css'],
        ['Content-Encoding', 'br'],
      ],
    ],
  ] as Array<[string, string, HeaderList]>)('leaves %s alone', async (_name, status, fields) => {
    const app: Application = (_environ, startResponse) => {
      startResponse(status, fields);
      return [Buffer.from('bytes')];
    };
    const { headers, body } = await play(gzip(app), accept);
    expect(headers.items()).toEqual(fields);
    expect(String(body)).toBe('bytes');
  });

  test.each([
    ['gzip', true],
    ['br, GZIP', true],
    ['identity;q=0.5 , gzip;q=0.001', true],
    ['', false],
    ['br', false],
    ['not-gzip', false],
    ['gzip-2', false],
    ['gzip;q=0', false],
    ['gzip;q=0 ,br', false],
    ['gzip ; Q=0.000\t, br', false],
  ])('takes Accept-Encoding: %s as %s', async (field, taken) => {
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.from('text')];
    };
    const { headers } = await play(gzip(app), { HTTP_ACCEPT_ENCODING: field });
    expect(headers.has('Content-Encoding')).toBe(taken);
  });

  test('sends each chunk at once, and all of them make one gzip member', async () => {
    const app: Application = function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      for (let count = 0; count < 3; count += 1) yield Buffer.from(text);
    };
    const body = await start(gzip(app), accept);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    expect(chunks).toHaveLength(4);
    expect(String(gunzipSync(Buffer.concat(chunks)))).toBe(text.repeat(3));
  });

  test('is undone by a client over HTTP', async () => {
    const server = createServer(mountGateway(validator(gzip(validator(hello)))));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect([response.headers.get('content-encoding'), await response.text()]).toEqual([
      'gzip',
      'Hello',
    ]);
    server.close();
  });
});

describe('basic auth', () => {
  test.each([
    ['nothing', ''],
    ['a wrong password', `Basic ${btoa('Ada:byron')}`],
    ['no name', `Basic ${btoa(':love:lace')}`],
    ['no colon', `Basic ${btoa('Ada')}`],
    ['a line break in the name', `Basic ${btoa('Ada\nEve:love:lace')}`],
    ['a line break in the password', `Basic ${btoa('Ada:love:lace\n')}`],
    ['another scheme', 'Bearer QWRhOmxvdmU6bGFjZQ=='],
  ])('refuses %s', async (_name, field) => {
    const check = (user: string, password: string) => logIn(user.slice(0, 3), password.trimEnd());
    const { status, headers } = await play(basicAuth(hello, check, 'here'), {
      HTTP_AUTHORIZATION: field,
    });
    expect(status).toBe('401 Unauthorized');
    expect(headers.get('WWW-Authenticate')).toBe('Basic realm="here", charset="UTF-8"');
  });

  test.each([
    [true, '200 OK'],
    [false, '401 Unauthorized'],
  ])('takes a check of %s from a promise of any library', async (known, answer) => {
    const { status } = await play(
      basicAuth(hello, () => promiseOf(known)),
      ada,
    );
    expect(status).toBe(answer);
  });

  test('tells the application who is there', async () => {
    const { environ } = await play(basicAuth(hello, logIn), ada);
    expect(environ).toMatchObject({ REMOTE_USER: 'Ada', AUTH_TYPE: 'Basic' });
  });
});

describe('method override', () => {
  test.each([
    ['POST', 'delete', 'DELETE'],
    ['POST', 'GET', 'POST'],
    ['GET', 'DELETE', 'GET'],
  ])('makes of %s with %s a %s', async (sent, override, seen) => {
    const { environ } = await play(methodOverride(hello), {
      REQUEST_METHOD: sent,
      HTTP_X_HTTP_METHOD_OVERRIDE: override,
    });
    expect(environ.REQUEST_METHOD).toBe(seen);
  });
});

/** A promise of another class than this module's, as libraries bring them. */
const promiseOf: <Value>(value: Value) => Promise<Value> = runInNewContext(
  '(value) => Promise.resolve(value)',
);

function hello(_environ: Environ, startResponse: Parameters<Application>[1]): ResponseBody {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from('Hello')];
}

function environOf(entries: Partial<Environ>): Environ {
  const environ = { ...entries };
  setupTestingDefaults(environ);
  return environ;
}

async function start(app: Application, entries: Partial<Environ>): Promise<ResponseBody> {
  return app(environOf(entries), () => () => {});
}

/** Runs an application under the validator, and undoes gzip. */
async function play(app: Application, entries: Partial<Environ>) {
  const environ = environOf(entries);
  const sent: Uint8Array[] = [];
  let status = '';
  let headers = new Headers();
  const body = await validator(app)(environ, (line, pairs) => {
    status = line;
    headers = new Headers(pairs);
    return (data) => void sent.push(data);
  });
  for await (const chunk of body) sent.push(chunk);
  await body.close?.();
  const bytes = Buffer.concat(sent);
  const packed = headers.get('Content-Encoding') === 'gzip';
  return { status, headers, environ, body: packed ? gunzipSync(bytes) : bytes };
}
