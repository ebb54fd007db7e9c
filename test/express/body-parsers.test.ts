import type { IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import type { RequestHandler, Response } from 'express';
import { describe, expect, it } from 'vitest';
import { recorder, serve, versions } from './support.ts';

/** Answers with the body as it reads it, and with what the environ says of it. */
const mirror: Application = async (environ, startResponse) => {
  const body = await environ['wsgi.input'].read();
  startResponse('200 OK', [
    ['X-Type', environ.CONTENT_TYPE ?? ''],
    ['X-Length', environ.CONTENT_LENGTH ?? ''],
    ['X-Coding', environ.HTTP_CONTENT_ENCODING ?? 'none'],
  ]);
  return [body];
};

/** As its documentation shows it: the parser's way to keep the bytes. */
function keep(request: IncomingMessage, _response: unknown, bytes: Buffer): void {
  Object.assign(request, { rawBody: bytes });
}

const JSON_TEXT = '{ "b": 1,  "a": "é" }\n';

function post(type: string, body: string | Uint8Array<ArrayBuffer>): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': type }, body };
}

describe.each(versions)('a body parser before an app in $version', ({ express }) => {
  async function behind(...before: RequestHandler[]) {
    const { errors, lines } = recorder();
    const host = express();
    for (const middleware of before) host.use(middleware);
    host.use(mountGateway(mirror, { errors }));
    host.use(errorPage);
    return { origin: await serve(host), lines };
  }

  it('json that keeps rawBody: the app reads the bytes as they were sent', async () => {
    const { origin } = await behind(express.json({ verify: keep }));
    const response = await fetch(origin, post('application/json', JSON_TEXT));
    expect(await response.text()).toBe(JSON_TEXT);
    expect(response.headers.get('x-length')).toBe(String(Buffer.byteLength(JSON_TEXT)));
  });

  it('urlencoded that keeps rawBody: likewise', async () => {
    const { origin } = await behind(express.urlencoded({ extended: true, verify: keep }));
    const response = await fetch(origin, post('application/x-www-form-urlencoded', 'b=1&a=%C3%A9'));
    expect(await response.text()).toBe('b=1&a=%C3%A9');
  });

  it('raw: the app reads the Buffer', async () => {
    const { origin } = await behind(express.raw());
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const response = await fetch(origin, post('application/octet-stream', bytes));
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  });

  it('text: the app reads the string, in the charset that the request names', async () => {
    const { origin } = await behind(express.text());
    const utf8 = await fetch(origin, post('text/plain', 'größer'));
    expect(await utf8.text()).toBe('größer');
    const sent = Buffer.from('größer', 'latin1');
    const latin1 = await fetch(origin, post('text/plain; charset=iso-8859-1', Buffer.from(sent)));
    expect(Buffer.from(await latin1.arrayBuffer())).toEqual(sent);
  });

  it('that does not touch the request: the app reads from the socket', async () => {
    const { origin } = await behind(express.json(), express.urlencoded({ extended: false }));
    expect(await (await fetch(origin, post('text/plain', 'plain'))).text()).toBe('plain');
    const big = Buffer.alloc(500_000, 'x');
    expect(await (await fetch(origin, post('image/png', big))).text()).toBe(big.toString());
  });

  it('and a GET: the app reads an empty body', async () => {
    const { origin } = await behind(express.json(), express.urlencoded({ extended: false }));
    const response = await fetch(origin);
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('and a POST without a body: likewise', async () => {
    const { origin } = await behind(express.json(), express.text({ type: () => true }));
    const response = await fetch(origin, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it.each([
    ['json', 'application/json', '{"a":1}'],
    ['urlencoded', 'application/x-www-form-urlencoded', 'a=1'],
  ])('%s that keeps nothing: reading rejects and says what to do', async (_name, type, body) => {
    const { origin, lines } = await behind(express.json(), express.urlencoded({ extended: false }));
    const response = await fetch(origin, post(type, body));
    expect(response.status).toBe(500);
    expect(await response.text()).toMatch(/mount the application before the parser.*verify/);
    expect(lines.join('')).toContain('has been read by a parser');
  });

  it('that refuses the body: the app is not run', async () => {
    const { origin } = await behind(express.json());
    const response = await fetch(origin, post('application/json', '{'));
    expect(response.status).toBe(400);
  });

  it('that inflates: the app reads the inflated bytes, with their length', async () => {
    const { origin } = await behind(express.json({ verify: keep }));
    const init = post('application/json', Buffer.from(gzipSync(JSON_TEXT)));
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' };
    const response = await fetch(origin, { ...init, headers });
    expect(await response.text()).toBe(JSON_TEXT);
    expect(response.headers.get('x-length')).toBe(String(Buffer.byteLength(JSON_TEXT)));
  });

  it('that inflates a body of unknown length: the length stays unknown', async () => {
    const { origin } = await behind(express.json({ verify: keep }));
    const response = await fetch(origin, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
      body: new Blob([Buffer.from(gzipSync(JSON_TEXT))]).stream(),
      duplex: 'half',
    });
    expect(await response.text()).toBe(JSON_TEXT);
    expect(response.headers.get('x-length')).toBe('');
    expect(response.headers.get('x-coding')).toBe('none');
  });

  it('text that inflates: the app reads the inflated text', async () => {
    const { origin } = await behind(express.text());
    const headers = { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' };
    const body = Buffer.from(gzipSync('größer'));
    const response = await fetch(origin, { method: 'POST', headers, body });
    expect([await response.text(), response.headers.get('x-length')]).toEqual(['größer', '8']);
  });

  it.each([
    ['text/plain; charset=iso-8859-1', '€'],
    ['text/plain', 'a\ud800b'],
  ])('that leaves a string which %s cannot hold: reading rejects', async (type, rawBody) => {
    const { origin } = await behind((request, _response, next) => {
      request.resume().on('end', () => {
        Object.assign(request, { rawBody });
        next();
      });
    });
    const body = new Blob(['x']).stream();
    const init = { ...post(type, ''), body, duplex: 'half' } as const;
    expect((await fetch(origin, init)).status).toBe(500);
  });

  it('that keeps the bytes as they came, still deflated: the app reads those', async () => {
    const sent = Buffer.from(gzipSync(JSON_TEXT));
    const { origin } = await behind((request, _response, next) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        keep(request, undefined, Buffer.concat(chunks));
        next();
      });
    });
    const headers = { 'Content-Encoding': 'gzip' };
    const response = await fetch(origin, { method: 'POST', headers, body: sent });
    expect(Buffer.from(await response.arrayBuffer())).toEqual(sent);
    expect(response.headers.get('x-coding')).toBe('gzip');
  });

  it.each([
    ['bytes that were no text', 'text/plain', Buffer.from([0x61, 0xff, 0x62])],
    ['an emoji that was cut in two', 'text/plain', Buffer.from([0xf0, 0x9f, 0x98])],
    ['a byte order mark that is gone', 'text/plain', Buffer.from([0xef, 0xbb, 0xbf, 0x61])],
    ['a charset that cannot be written', 'text/plain; charset=koi8-r', Buffer.from([0xc1, 0xc2])],
    // Я, which has two bytes in UTF-8, too.
    ['another charset, as long', 'text/plain; charset=utf-16le', Buffer.from([0x2f, 0x04])],
    ['bytes that are not ASCII', 'text/plain; charset=us-ascii', Buffer.from([0xc1])],
  ])('text of %s: reading rejects rather than give other bytes', async (_name, type, bytes) => {
    const { origin } = await behind(express.text());
    const response = await fetch(origin, post(type, bytes));
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.stringContaining('has been read by a parser'),
    ]);
  });

  it("after it, for the host's own routes, is not disturbed", async () => {
    const host = express();
    host.use('/gw', mountGateway(mirror));
    host.use(express.json());
    host.post('/own', (request, response) => void response.json(request.body));
    const origin = await serve(host);
    expect(await (await fetch(`${origin}/gw`, post('application/json', JSON_TEXT))).text()).toBe(
      JSON_TEXT,
    );
    const own = await fetch(`${origin}/own`, post('application/json', JSON_TEXT));
    expect(await own.json()).toEqual({ b: 1, a: 'é' });
  });

  it('keeps to maxBodySize', async () => {
    const host = express();
    host.use(express.raw({ type: () => true }));
    host.use(mountGateway(mirror, { maxBodySize: 3, errors: recorder().errors }));
    const origin = await serve(host);
    expect((await fetch(origin, post('a/b', 'abc'))).status).toBe(200);
    expect((await fetch(origin, post('a/b', 'abcd'))).status).toBe(413);
    // A body that does not say how long it is.
    const body = new Blob(['abcd']).stream();
    const init = { ...post('a/b', ''), body, duplex: 'half' } as const;
    expect((await fetch(origin, init)).status).toBe(413);
  });
});

function errorPage(
  error: Error & { status?: number },
  _request: unknown,
  response: Response,
  _next: unknown,
): void {
  response.status(error.status ?? 500).send(error.message);
}
