import { expect, it } from 'vitest';
import { parseWithOurs } from './fuzz/ours.ts';

const host = 'Host: a\r\n';
const post = `POST / HTTP/1.1\r\n${host}`;
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;
const get = (fields: string): string => `GET / HTTP/1.1\r\n${fields}\r\n`;

/** Each is refused with this status, whatever comes before and after it. */
const refused: ReadonlyArray<[status: number, what: string, text: string]> = [
  [400, 'no version', `GET /\r\n${host}\r\n`],
  [400, 'no target', `GET HTTP/1.1\r\n${host}\r\n`],
  [400, 'two spaces', `GET  / HTTP/1.1\r\n${host}\r\n`],
  [400, 'a space in the target', `GET /a b HTTP/1.1\r\n${host}\r\n`],
  [400, 'a tab for a space', `GET\t/\tHTTP/1.1\r\n${host}\r\n`],
  [400, 'a space at the end', `GET / HTTP/1.1 \r\n${host}\r\n`],
  [400, 'a lower-case version', `GET / http/1.1\r\n${host}\r\n`],
  [400, 'another protocol', `GET / RTSP/1.0\r\n${host}\r\n`],
  [400, 'a long version', `GET / HTTP/1.10\r\n${host}\r\n`],
  [400, 'a version without its dot', `GET / HTTP/1x1\r\n${host}\r\n`],
  [400, 'a version without a number before its dot', `GET / HTTP/x.1\r\n${host}\r\n`],
  [400, 'a version without a number behind its dot', `GET / HTTP/1.x\r\n${host}\r\n`],
  [400, 'another protocol with a number', `GET / HTTQ/1.1\r\n${host}\r\n`],
  [505, 'HTTP/2.0', `GET / HTTP/2.0\r\n${host}\r\n`],
  [505, 'HTTP/0.9', 'GET / HTTP/0.9\r\n\r\n'],
  [505, 'HTTP/1.2', `GET / HTTP/1.2\r\n${host}\r\n`],
  [505, "HTTP/2's preface", 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  [501, 'an unknown method', `FOO / HTTP/1.1\r\n${host}\r\n`],
  [501, 'a method in lower case', `get / HTTP/1.1\r\n${host}\r\n`],
  [501, 'CONNECT', `CONNECT a:80 HTTP/1.1\r\n${host}\r\n`],
  [400, 'a method that is no token', `G(T / HTTP/1.1\r\n${host}\r\n`],
  [400, '* with GET', `GET * HTTP/1.1\r\n${host}\r\n`],
  [400, 'an authority as target', `GET a:80 HTTP/1.1\r\n${host}\r\n`],
  [400, 'a relative target', `GET x HTTP/1.1\r\n${host}\r\n`],
  [400, 'another scheme', `GET ftp://a/ HTTP/1.1\r\n${host}\r\n`],
  [400, 'an absolute-form without authority', `GET http:///x HTTP/1.1\r\n${host}\r\n`],
  [400, 'an absolute-form with a user', `GET http://u@a/ HTTP/1.1\r\n${host}\r\n`],
  [400, 'a fragment', `GET /a#b HTTP/1.1\r\n${host}\r\n`],
  [400, 'a byte above 0x7F in the target', `GET /\xe9 HTTP/1.1\r\n${host}\r\n`],
  [400, 'NUL in the target', `GET /\0 HTTP/1.1\r\n${host}\r\n`],

  [400, 'bare LF after the request line', `GET / HTTP/1.1\n${host}\r\n`],
  [400, 'bare LF after a field', 'GET / HTTP/1.1\r\nHost: a\n\r\n'],
  [400, 'bare LF for the empty line', `GET / HTTP/1.1\r\n${host}\n`],
  [400, 'bare CR in a value', get(`${host}X: a\rb\r\n`)],
  [400, 'CR CR LF', get('Host: a\r\r\n')],
  [400, 'NUL in a value', get(`${host}X: a\0b\r\n`)],
  [400, 'DEL in a value', get(`${host}X: a\x7fb\r\n`)],
  [400, 'the last control character in a value', get(`${host}X: a\x1fb\r\n`)],
  [400, 'a vertical tab before a value', get(`${host}X:\x0bb\r\n`)],
  [400, 'a space before the colon', get(`${host}X : b\r\n`)],
  [400, 'a folded field', get(`${host}X: b\r\n c\r\n`)],
  [400, 'a field that begins with a space', get(` X: b\r\n${host}`)],
  [400, 'a field without a colon', get(`${host}X\r\n`)],
  [400, 'a longer one without a colon', get(`${host}Name\r\n`)],
  [400, 'a field without a name', get(`${host}: b\r\n`)],
  [400, 'a name that is no token', get(`${host}X(: b\r\n`)],
  [400, 'a name above 0x7F', get(`${host}\xe9: b\r\n`)],

  [400, 'no Host', get('')],
  [400, 'two Hosts', get(`${host}${host}`)],
  [400, 'two Hosts on HTTP/1.0', `GET / HTTP/1.0\r\n${host}${host}\r\n`],
  [400, 'a malformed Host on HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a b\r\n\r\n'],
  [400, 'two Hosts beside an absolute-form', `GET http://a/ HTTP/1.1\r\n${host}${host}\r\n`],
  [400, 'no Host beside an absolute-form', 'GET http://a/ HTTP/1.1\r\n\r\n'],
  ...[
    ...['', 'a b', 'a, b', 'a,b', 'a/b', 'a?b', 'a#b', 'u@a', 'a:b', 'a:80:80', ':80', 'a:-1'],
    ...[
      'a:65536',
      '[::1',
      '::1',
      '[]',
      '[::1]x',
      '[x]',
      'a%zz',
      'a%2',
      'a%2:80',
      'a%41%zz',
      '\xe9',
      'a\tb',
      'a\\b',
      '<a>',
    ],
  ].map((name): [number, string, string] => [400, `the host ${name}`, get(`Host: ${name}\r\n`)]),

  ...[
    ...['', '+5', '-5', '5,5', '5, 5', '0x5', '5.0', '5e1', '5 5', 'a', '\xb2', '5\t', '\t5'],
    ...['9007199254740992', '18446744073709551621', '99999999999999999999999'],
  ].map((length): [number, string, string] => [
    400,
    `the Content-Length ${JSON.stringify(length)}`,
    `${post}Content-Length: ${length}\r\n\r\nhello`,
  ]),
  [400, 'two Content-Lengths', `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
  [400, 'Content-Length twice', `${post}Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello`],
  [
    400,
    'Content-Length with Transfer-Encoding',
    `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    400,
    'Transfer-Encoding on HTTP/1.0',
    'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    400,
    'Transfer-Encoding twice',
    `${post}${'Transfer-Encoding: chunked\r\n'.repeat(2)}\r\n0\r\n\r\n`,
  ],
  [400, 'a tab in Transfer-Encoding', `${post}Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n`],
  [400, 'a vertical tab in Transfer-Encoding', `${post}Transfer-Encoding: \x0bchunked\r\n\r\n`],
  ...[
    ...['', 'gzip', 'identity', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'xchunked'],
    ...['chunked,', ',chunked', '"chunked"', 'chunked;q=1', 'chunke\xe4'],
  ].map((coding): [number, string, string] => [
    501,
    `the Transfer-Encoding ${coding}`,
    `${post}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
  ]),
  [417, 'an expectation', `${post}Expect: the unexpected\r\n\r\n`],

  ...[
    ...['', 'x', '0x5', '+5', '-5', ' 5', '5 ', '5\t', '5 ;a', 'g', '5,5', '10000000000000000'],
    ...[
      '00000000000000005',
      '20000000000000',
      '5;',
      '5;=',
      '5;a=',
      '5; a',
      '5;a b',
      '5;a="',
      '5;a="\\',
    ],
  ].map((size): [number, string, string] => [
    400,
    `the chunk size ${JSON.stringify(size)}`,
    `${chunked}${size}\r\nhello\r\n0\r\n\r\n`,
  ]),
  [400, 'a chunk longer than its size', `${chunked}4\r\nhello\r\n0\r\n\r\n`],
  [400, 'a chunk that ends with LF', `${chunked}5\r\nhello\n0\r\n\r\n`],
  [400, 'a chunk size that ends with LF', `${chunked}5\nhello\r\n0\r\n\r\n`],
  [400, 'a chunk size that ends with CR', `${chunked}5\rhello\r\n0\r\n\r\n`],
  [400, 'trailers that end with LF', `${chunked}0\r\n\n`],
  [400, 'a trailer that is no field', `${chunked}0\r\nX\r\n\r\n`],
  [400, 'Content-Length as trailer', `${chunked}0\r\nContent-Length: 5\r\n\r\n`],
  [400, 'Transfer-Encoding as trailer', `${chunked}0\r\nTransfer-Encoding: chunked\r\n\r\n`],
  [400, 'Connection as trailer', `${chunked}0\r\nConnection: close\r\n\r\n`],
  [400, 'Expect as trailer', `${chunked}0\r\nExpect: 100-continue\r\n\r\n`],
  [400, 'Host as trailer', `${chunked}0\r\n${host}\r\n`],
];

it.each(refused)('answers %d: %s', (status, _what, text) => {
  const next = `GET /next HTTP/1.1\r\n${host}\r\n`;
  // Again, because what has passed once is remembered, and this must not be.
  for (let turn = 0; turn < 2; turn += 1) {
    const { requests, error } = parseWithOurs([Buffer.from(text + next, 'latin1')]);
    expect(error?.status).toBe(status);
    expect(requests.filter((request) => request.complete)).toEqual([]);
  }
});

it('gives out the good request before a bad one, and its error only then', () => {
  const { requests, error } = parseWithOurs([Buffer.from(`${get(host)}junk\r\n`)]);
  expect(requests).toMatchObject([{ target: '/', complete: true }]);
  expect(error?.status).toBe(400);
});

it.each([
  ['without a control character that came with it', '\x9b31m', '\\u009b31m'],
  ['as far as it is of use', 'x'.repeat(61), `${'x'.repeat(60)}...`],
  ['whole', 'x'.repeat(60), 'x'.repeat(60)],
])('says what it refuses %s', (_how, size, said) => {
  const { error } = parseWithOurs([Buffer.from(`${chunked}${size}\r\n`, 'latin1')]);
  expect(error?.message).toBe(`not a chunk size: "${said}"`);
});
