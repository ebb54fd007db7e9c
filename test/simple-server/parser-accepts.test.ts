import { CHUNKED, type RequestEvent, RequestParser } from '@wsgi/simple-server/parser';
import { describe, expect, it } from 'vitest';
import { parseWithOurs } from './fuzz/ours.ts';

function head(text: string): RequestEvent {
  const parser = new RequestParser();
  parser.feed(Buffer.from(text, 'latin1'));
  const event = parser.next();
  if (event?.type !== 'request') throw new Error(`no request in ${JSON.stringify(text)}`);
  return event;
}

function bodies(text: string): string[] {
  return parseWithOurs([Buffer.from(text, 'latin1')]).requests.map((request) =>
    request.complete ? request.body : '(unfinished)',
  );
}

describe('the request line', () => {
  it('gives method, target and version as sent', () => {
    expect(head('GET /a%20b?c=d HTTP/1.1\r\nHost: a\r\n\r\n')).toMatchObject({
      method: 'GET',
      url: '/a%20b?c=d',
      httpVersion: '1.1',
      authority: null,
      line: 'GET /a%20b?c=d HTTP/1.1',
    });
  });

  it('may be preceded by empty lines', () => {
    expect(head('\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n').method).toBe('GET');
  });

  it('may name a target in absolute-form, whose authority is told apart', () => {
    for (const target of ['http://h:1/p', 'HTTPS://h:1?q', 'http://h:1']) {
      expect(head(`GET ${target} HTTP/1.1\r\nHost: other\r\n\r\n`).authority).toBe('h:1');
    }
  });

  it('may name * with OPTIONS', () => {
    expect(head('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n').url).toBe('*');
  });

  it('may hold each printable character of ASCII but # and a space in its target', () => {
    const codes = Array.from({ length: 0x7f - 0x21 }, (_, index) => 0x21 + index);
    const url = `/${String.fromCharCode(...codes).replace('#', '')}`;
    expect(head(`GET ${url} HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatchObject({ url, authority: null });
  });

  it('keeps // at the beginning of a path', () => {
    expect(head('GET //evil/x HTTP/1.1\r\nHost: a\r\n\r\n')).toMatchObject({
      url: '//evil/x',
      authority: null,
    });
  });
});

describe('header fields', () => {
  it('come in order, repeated, in their own case, without the white space around values', () => {
    const fields = 'Host: a\r\nX-A:\t 1 \t\r\nx-a:2\r\n__proto__: 3\r\nEmpty:\r\n\r\n';
    expect(head(`GET / HTTP/1.1\r\n${fields}`).rawHeaders).toEqual([
      'Host',
      'a',
      'X-A',
      '1',
      'x-a',
      '2',
      '__proto__',
      '3',
      'Empty',
      '',
    ]);
  });

  it('may have each character of a token in their names', () => {
    const name = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    expect(head(`GET / HTTP/1.0\r\n${name}: 1\r\n\r\n`).rawHeaders).toEqual([name, '1']);
  });

  it('hold bytes above 0x7F one for one, a no-break space at the end of a value included', () => {
    expect(head('GET / HTTP/1.0\r\nX: \xe9\xa0\r\n\r\n').rawHeaders).toEqual(['X', '\xe9\xa0']);
  });

  it.each([
    ...['a', 'a:80', 'a:', 'a:0', 'a:65535', '127.0.0.1:8080', 'a_b.c', "~!$&'()*+;=-._", 'x%20y'],
    ...['%41%4f%5Az:80', '[::1]', '[::1]:443', '[::1]:', '[::ffff:127.0.0.1]', '[ABCD::ef]'],
  ])('may name the host %s', (host) => {
    expect(head(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).rawHeaders).toEqual(['Host', host]);
  });
});

describe('the connection', () => {
  it.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: close\r\n', false],
    ['HTTP/1.1', 'Connection: keep-alive, CLOSE\r\n', false],
    ['HTTP/1.1', 'Connection: close\r\nConnection: keep-alive\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: Keep-Alive\r\n', true],
    ['HTTP/1.0', 'Connection: keep-alive\xa0\r\n', false],
    ['HTTP/1.0', 'Connection: te, keep-alive\r\n', true],
    ['HTTP/1.0', 'Connection: keep-alive, close\r\n', false],
    ['HTTP/1.0', 'Proxy-Connection: keep-alive\r\n', true],
    ['HTTP/1.1', 'Proxy-Connection: close\r\n', false],
  ])('of %s with %j is kept: %j', (version, field, kept) => {
    expect(head(`GET / ${version}\r\nHost: a\r\n${field}\r\n`).keepAlive).toBe(kept);
  });

  it('carries no further request once one has ended it', () => {
    const text = 'GET /1 HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n';
    expect(parseWithOurs([Buffer.from(text)])).toMatchObject({
      requests: [{ target: '/1' }],
      error: null,
    });
  });

  it('is asked to continue only by HTTP/1.1 and only for a body', () => {
    const expect100 = 'Host: a\r\nExpect: 100-Continue\r\nContent-Length: ';
    expect(head(`POST / HTTP/1.1\r\n${expect100}1\r\n\r\n`).expectContinue).toBe(true);
    expect(head(`POST / HTTP/1.1\r\n${expect100}0\r\n\r\n`).expectContinue).toBe(false);
    expect(head(`POST / HTTP/1.0\r\n${expect100}1\r\n\r\n`).expectContinue).toBe(false);
  });
});

describe('bodies', () => {
  const post = 'POST / HTTP/1.1\r\nHost: a\r\n';

  it('are as long as Content-Length says, and the next request follows them', () => {
    const text = `${post}Content-Length: 3\r\n\r\nabc${post}Content-Length: 2\r\n\r\nde`;
    expect(bodies(text)).toEqual(['abc', 'de']);
  });

  it('come without their chunks, extensions and trailers', () => {
    const chunks = '3;a;b=c;d="e;\\"f"\r\nabc\r\n0A\r\n0123456789\r\n000\r\nX-T: 1\r\n\r\n';
    const text = `${post}Transfer-Encoding: CHUNKED\r\n\r\n${chunks}${post}\r\n`;
    expect(bodies(text)).toEqual(['abc0123456789', '']);
    expect(head(text)).toMatchObject({
      bodyLength: CHUNKED,
      rawHeaders: ['Host', 'a', 'Transfer-Encoding', 'CHUNKED'],
    });
  });

  it('may come in a chunk whose size has sixteen digits', () => {
    const text = `${post}Transfer-Encoding: chunked\r\n\r\n0000000000000003\r\nabc\r\n0\r\n\r\n`;
    expect(bodies(text)).toEqual(['abc']);
  });

  it('are not over before they are whole', () => {
    expect(bodies(`${post}Content-Length: 3\r\n\r\nab`)).toEqual(['(unfinished)']);
    const chunks = '3\r\nabc\r\n0\r\n';
    expect(bodies(`${post}Transfer-Encoding: chunked\r\n\r\n${chunks}`)).toEqual(['(unfinished)']);
  });
});
