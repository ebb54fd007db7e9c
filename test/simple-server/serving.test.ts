import { readFile } from 'node:fs/promises';
import type { Application, Environ, InputStream } from '@wsgi/core';
import { demoApp, makeServer, serverVersion, softwareVersion } from '@wsgi/simple-server';
import { describe, expect, it } from 'vitest';
import { dial, echo, echoBody, exchange, serve, statuses } from './support.ts';

const close = 'Connection: close\r\n';

it('serves at once, and knows its port and url', async () => {
  const server = await serve(echo);
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
  const response = await fetch(`${server.url}/a%20b`);
  expect(await response.text()).toBe('GET /a b');
  expect(response.headers.get('server')).toBe(softwareVersion);
  expect(Date.parse(response.headers.get('date') ?? '')).toBeGreaterThan(Date.now() - 60_000);
});

it('sends a small response, head and body, in one write', async () => {
  const client = await dial(await serve(echo));
  const pieces: string[] = [];
  client.socket.on('data', (chunk: Buffer) => pieces.push(chunk.toString('latin1')));
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').until(/GET \/$/);
  expect(pieces).toHaveLength(1);
});

it('keeps an HTTP/1.1 connection and closes it when asked to', async () => {
  const client = await dial(await serve(echo));
  await client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n').until(/GET \/1$/);
  expect(client.text).not.toMatch(/^Connection:/im);
  await client.send(`GET /2 HTTP/1.1\r\nHost: a\r\n${close}\r\n`).untilClosed();
  expect(client.text).toMatch(/Connection: close\r\n/);
  expect(statuses(client.text)).toEqual([200, 200]);
});

it('closes an HTTP/1.0 connection, and keeps it only when asked to', async () => {
  const server = await serve(echo);
  expect(await exchange(server, 'GET /1 HTTP/1.0\r\n\r\n')).toMatch(/Connection: close\r\n/);
  const client = await dial(server);
  const kept = 'GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
  expect(await client.send(kept).until(/GET \/1$/)).toMatch(/Connection: keep-alive\r\n/);
  await client.send('GET /2 HTTP/1.0\r\n\r\n').untilClosed();
  expect(statuses(client.text)).toEqual([200, 200]);
});

it('ends a body of unknown length with its connection for HTTP/1.0, with chunks for HTTP/1.1', async () => {
  const server = await serve(function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield Buffer.from('one');
    yield Buffer.from('two');
  });
  const old = await exchange(server, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  expect(old).toMatch(/Connection: close\r\n\r\nonetwo$/);
  const modern = await exchange(server, `GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  expect(modern).toMatch(/\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n$/);
});

it('answers pipelined requests in their order, slow ones first', async () => {
  const server = await serve(async (environ, startResponse) => {
    if (environ.PATH_INFO === '/slow') await new Promise((resolve) => setTimeout(resolve, 50));
    return echo(environ, startResponse);
  });
  const get = (path: string, field = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\n${field}\r\n`;
  const text = await exchange(server, get('/slow') + get('/2') + get('/slow') + get('/4', close));
  expect(Array.from(text.matchAll(/GET \/(?:slow|2|4)/g), String)).toEqual([
    'GET /slow',
    'GET /2',
    'GET /slow',
    'GET /4',
  ]);
});

it('answers a long pipeline of requests with bodies that nobody reads', async () => {
  const one = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx';
  const client = await dial(await serve(echo));
  client.send(one.repeat(5000)).send(`GET /last HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  expect(statuses(await client.untilClosed())).toHaveLength(5001);
});

describe('a request body', () => {
  it('is read by length and in chunks', async () => {
    const server = await serve(echoBody);
    const post = `POST / HTTP/1.1\r\nHost: a\r\n${close}`;
    expect(await exchange(server, `${post}Content-Length: 5\r\n\r\nhello`)).toMatch(/\r\nhello$/);
    const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: 1\r\n\r\n`;
    expect(await exchange(server, chunked)).toMatch(/\r\nhello$/);
  });

  it('of many megabytes arrives whole', async () => {
    const server = await serve(echoBody);
    const sent = Buffer.alloc(20_000_000, 'some bytes ');
    const response = await fetch(server.url, { method: 'POST', body: sent });
    expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), sent)).toBe(0);
  });

  it('is asked for with 100 Continue when the application reads it', async () => {
    const client = await dial(await serve(echoBody));
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n';
    await client.send(`${head}${close}\r\n`).until(/100 Continue\r\n\r\n/);
    expect(await client.send('hello').untilClosed()).toMatch(/200 OK[\s\S]*hello$/);
    expect(statuses(client.text)).toEqual([100, 200]);
  });

  it('is not asked for when the application does not read it, and the connection closes', async () => {
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';
    const text = await exchange(await serve(echo), head);
    expect(statuses(text)).toEqual([200]);
    expect(text).toMatch(/Connection: close/);
  });

  it('that the application leaves unread does not stand in the way of the next request', async () => {
    const client = await dial(await serve(echo));
    const length = 1_000_000;
    client.send(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
    await client.until(/POST \/1$/);
    client.send('x'.repeat(length)).send(`GET /2 HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
    expect(await client.untilClosed()).toMatch(/GET \/2$/);
  });

  it('is refused to reads when the response is over, and none of them waits on', async () => {
    const settled = (read?: Promise<unknown>) => read?.then(String, String);
    let input: InputStream | undefined;
    let waiting: Promise<unknown> | undefined;
    const app: Application = async (environ, startResponse) => {
      if (environ.REQUEST_METHOD === 'POST') {
        input = environ['wsgi.input'];
        waiting = settled(input.read());
        // By then it waits for the client.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return echo(environ, startResponse);
    };
    const client = await dial(await serve(app));
    client.send('POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc');
    await client.until(/POST \/1$/);
    client.send('defGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(/GET \/2$/);
    const error = 'Error: wsgi.input cannot be read once the response is over';
    expect([await waiting, await settled(input?.read())]).toEqual([error, error]);
  });

  it('over maxBodySize is answered with 413, before the application runs where its length is known', async () => {
    let calls = 0;
    const app: typeof echoBody = (environ, startResponse) => {
      calls++;
      return echoBody(environ, startResponse);
    };
    const server = await serve(app, { maxBodySize: 4 });
    const post = 'POST / HTTP/1.1\r\nHost: a\r\n';
    const refused = /^HTTP\/1\.1 413 Content Too Large\r\n/;
    expect(await exchange(server, `${post}Content-Length: 5\r\n\r\nhello`)).toMatch(refused);
    expect(calls).toBe(0);
    const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`;
    expect(await exchange(server, chunked)).toMatch(refused);
  });

  it('that breaks off rejects the read with ECONNRESET', async () => {
    let code: unknown;
    const failed = new Promise<void>((resolve) => {
      serve(async (environ, startResponse) => {
        await environ['wsgi.input'].read().catch((error) => {
          code = error.code;
          resolve();
        });
        return echo(environ, startResponse);
      }).then(async (server) => {
        const client = await dial(server);
        client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe').socket.end();
      });
    });
    await failed;
    expect(code).toBe('ECONNRESET');
  });

  it('with a broken chunk is answered with 400', async () => {
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const text = await exchange(await serve(echoBody), `${head}5\r\nhello!\r\n`);
    expect(statuses(text)).toEqual([400]);
  });
});

it('answers the good request before it refuses the broken one after it', async () => {
  const text = await exchange(
    await serve(echo),
    'GET /good HTTP/1.1\r\nHost: a\r\n\r\njunk\r\n\r\n',
  );
  expect(statuses(text)).toEqual([200, 400]);
  expect(text).toMatch(/GET \/good/);
  expect(text).toMatch(/Connection: close\r\n[\s\S]*400 Bad Request\n$/);
});

it('sends no body to HEAD, and serves on', async () => {
  const client = await dial(await serve(echo));
  client.send('HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  client.send(`GET /2 HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  const text = await client.untilClosed();
  expect(text).toMatch(/Content-Length: 7\r\n\r\nHTTP\/1\.1 200 OK/);
  expect(text).toMatch(/GET \/2$/);
});

it.each([
  [400, 'HEAD / HTTP/1.1\r\n'],
  [417, 'HEAD / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n'],
  [505, 'HEAD / HTTP/3.0\r\n'],
])('sends no body to HEAD with %i either', async (status, head) => {
  const text = await exchange(await serve(echo), `${head}\r\n`);
  expect(statuses(text)).toEqual([status]);
  expect(text.indexOf('\r\n\r\n')).toBe(text.length - 4);
});

it('puts the server, the client and the request into the environ', async () => {
  let environ: Environ | undefined;
  const server = await serve(
    (given, startResponse) => {
      environ = given;
      return echo(given, startResponse);
    },
    { environ: (request) => ({ REMOTE_USER: `user of ${request.method}` }) },
  );
  const fields = 'X_Y: no\r\nProxy: no\r\nCookie: a=b\r\nCookie: c=d\r\nX-Y: 1\r\nx-y: 2\r\n';
  const head = `POST http://b:81/p%20q?r=%20 HTTP/1.1\r\nHost: a\r\n${fields}Content-Type: t/x\r\n`;
  await exchange(server, `${head}Content-Length: 1\r\n${close}\r\nx`);
  expect(environ).toMatchObject({
    REQUEST_METHOD: 'POST',
    SCRIPT_NAME: '',
    PATH_INFO: '/p q',
    QUERY_STRING: 'r=%20',
    CONTENT_TYPE: 't/x',
    CONTENT_LENGTH: '1',
    SERVER_NAME: '127.0.0.1',
    SERVER_PORT: String(server.port),
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_SOFTWARE: softwareVersion,
    GATEWAY_INTERFACE: 'CGI/1.1',
    REMOTE_ADDR: '127.0.0.1',
    REQUEST_URI: 'http://b:81/p%20q?r=%20',
    HTTP_HOST: 'b:81',
    HTTP_COOKIE: 'a=b; c=d',
    HTTP_X_Y: '1,2',
    REMOTE_USER: 'user of POST',
    'wsgi.url_scheme': 'http',
    'wsgi.multiprocess': false,
  });
  expect(environ).not.toHaveProperty('HTTP_PROXY');
  expect(Number(environ?.REMOTE_PORT)).toBeGreaterThan(0);
});

it('says hello with demoApp', async () => {
  const response = await fetch(`${(await serve(demoApp)).url}/caf%C3%A9`);
  const lines = (await response.text()).split('\n');
  expect(lines.slice(0, 2)).toEqual(['Hello world!', '']);
  expect(lines).toContain("REQUEST_METHOD = 'GET'");
  expect(lines.slice(2)).toEqual(lines.slice(2, -1).sort().concat(''));
});

it('has a version', async () => {
  const path = new URL('../../packages/simple-server/package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(path, 'utf8'));
  expect(serverVersion).toBe(`WSGIServer/${version}`);
  expect(softwareVersion).toBe(`${serverVersion} node/${process.versions.node}`);
});

it('rejects when its port is taken', async () => {
  const { port = 0 } = await serve(echo);
  await expect(makeServer('127.0.0.1', port, echo)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

it('rejects what is no application', async () => {
  const none = {} as typeof echo;
  await expect(makeServer('127.0.0.1', 0, none)).rejects.toThrow(TypeError);
});
