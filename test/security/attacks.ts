/**
 * What attackers send. Each attack is bytes for a socket, with what a correct host makes of them.
 *
 * `parser` says who must refuse it: `'any'`, Node's own parser does so too; `'ours'`, only the reference server,
 * because node:http lets it pass and a host that is mounted in it never sees more than Node's reading of it.
 */
export interface Attack {
  readonly name: string;
  readonly bytes: string;
  /** The statuses that are right. */
  readonly statuses: readonly number[];
  readonly parser: 'any' | 'ours';
}

const host = 'Host: a\r\n';
const post = `POST /attack HTTP/1.1\r\n${host}`;
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;
const get = (fields: string): string => `GET /attack HTTP/1.1\r\n${fields}\r\n`;
const line = (text: string): string => `${text}\r\n${host}\r\n`;

const bad = [400];

function any(name: string, bytes: string, statuses: readonly number[] = bad): Attack {
  return { name, bytes, statuses, parser: 'any' };
}

function ours(name: string, bytes: string, statuses: readonly number[] = bad): Attack {
  return { name, bytes, statuses, parser: 'ours' };
}

/** By the rows of the table of attacks. */
export const attacks: ReadonlyArray<readonly [row: string, attacks: readonly Attack[]]> = [
  [
    'Content-Length with Transfer-Encoding, and tricks in the list of codings',
    [
      any('both', `${post}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`),
      any(
        'both, the other way round',
        `${post}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n`,
      ),
      any(
        'chunked and then another',
        `${post}Transfer-Encoding: chunked, gzip\r\n\r\n`,
        [400, 501],
      ),
      any('chunked twice', `${post}Transfer-Encoding: chunked, chunked\r\n\r\n`, [400, 501]),
      any('not chunked', `${post}Transfer-Encoding: identity\r\n\r\n`, [400, 501]),
      any('almost chunked', `${post}Transfer-Encoding: xchunked\r\n\r\n`, [400, 501]),
      ours('another before chunked', `${post}Transfer-Encoding: gzip, chunked\r\n\r\n`, [400, 501]),
      any('a vertical tab before it', `${post}Transfer-Encoding:\x0bchunked\r\n\r\n`, [400, 501]),
      any(
        'in two fields',
        `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n`,
        [400, 501],
      ),
      ours('on HTTP/1.0', 'POST /attack HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ],
  ],
  [
    'a Content-Length that is bad, repeated, empty, signed or listed',
    ['', '+5', '-5', '5, 5', '5,5', '0x5', '5a', '5 5', '18446744073709551621']
      .map((length) => any(`"${length}"`, `${post}Content-Length: ${length}\r\n\r\nhello`))
      .concat(
        any('twice', `${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`),
        any('twice, unlike', `${post}Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello`),
        ours('past 2^53', `${post}Content-Length: 9007199254740993\r\n\r\nhello`),
      ),
  ],
  [
    'bare LF, bare CR, NUL and control bytes',
    [
      any('LF after the request line', `GET /attack HTTP/1.1\n${host}\r\n`),
      any('LF after a field', get('Host: a\nX: b\r\n')),
      any('LF for the empty line', `GET /attack HTTP/1.1\r\n${host}\n`),
      any('CR in a value', get(`${host}X: a\rb\r\n`)),
      any('CR for a line end', get(`${host}X: a\rContent-Length: 5\r\n`)),
      any('NUL in a value', get(`${host}X: a\0b\r\n`)),
      any('NUL in a name', get(`${host}X\0: b\r\n`)),
      any('NUL in the target', line('GET /att\0ack HTTP/1.1')),
      any('DEL in a value', get(`${host}X: a\x7fb\r\n`)),
    ],
  ],
  [
    'odd white space, folded fields, names and methods that are no tokens',
    [
      any('a space before the colon', get(`${host}X : b\r\n`)),
      any('a tab before the colon', get(`${host}X\t: b\r\n`)),
      any('a folded field', get(`${host}X: b\r\n c\r\n`)),
      any('a first field that begins with a space', get(` ${host}`)),
      any('a name in parentheses', get(`${host}(X): b\r\n`)),
      any('no name', get(`${host}: b\r\n`)),
      any('no colon', get(`${host}X\r\n`)),
      any('a method in brackets', line('G[T /attack HTTP/1.1'), [400, 501]),
      any('a method unheard of', line('ATTACK /attack HTTP/1.1'), [400, 501]),
      ours('two spaces in the request line', line('GET  /attack HTTP/1.1')),
      any('a tab in the request line', line('GET\t/attack HTTP/1.1')),
    ],
  ],
  [
    'chunks: sizes, extensions and line ends',
    [
      ...['0x5', '+5', '-5', ' 5', '5 ', '10000000000000005', 'g', ''].map((size) =>
        any(`the size "${size}"`, `${chunked}${size}\r\nhello\r\n0\r\n\r\n`),
      ),
      any('a chunk without its CRLF', `${chunked}5\r\nhello0\r\n\r\n`),
      any('a chunk with a bare LF', `${chunked}5\r\nhello\n0\r\n\r\n`),
      any('a size with a bare LF', `${chunked}5\nhello\r\n0\r\n\r\n`),
      any('an endless extension', `${chunked}5;${'a'.repeat(20_000)}\r\n`, [400, 413]),
      any('an extension with a bare LF', `${chunked}5;a\nb\r\nhello\r\n0\r\n\r\n`),
    ],
  ],
  [
    'trailers',
    [
      any('without end', `${chunked}0\r\n${`X: ${'x'.repeat(1000)}\r\n`.repeat(20)}`, [431]),
      ours('that frame a message', `${chunked}0\r\nContent-Length: 5\r\n\r\n`),
    ],
  ],
  [
    'a Host that is missing, repeated or malformed',
    [
      ours('none', get('')),
      ours('two', get(`${host}Host: b\r\n`)),
      ...['', 'a b', 'a/b', 'a, b', 'u@a', 'a:b', 'a#b', '<x>'].map((name) =>
        ours(`"${name}"`, get(`Host: ${name}\r\n`)),
      ),
    ],
  ],
  [
    'the form of the target',
    [
      ours('a fragment', line('GET /attack#b HTTP/1.1')),
      ours('* with another method than OPTIONS', line('GET * HTTP/1.1')),
      ours('an authority', line('GET a:80 HTTP/1.1')),
      ours('CONNECT', line('CONNECT a:80 HTTP/1.1'), [400, 405, 501]),
      ours('a user', line('GET http://u:p@a/attack HTTP/1.1')),
      ours('another scheme', line('GET ftp://a/attack HTTP/1.1')),
    ],
  ],
  [
    'another protocol',
    [
      ours('HTTP/2.0', line('GET /attack HTTP/2.0'), [505]),
      any('HTTP/1.9', line('GET /attack HTTP/1.9'), [400, 505]),
      ours('no version', `GET /attack\r\n${host}\r\n`),
      ours('RTSP', line('OPTIONS /attack RTSP/1.0'), [400, 505]),
    ],
  ],
  [
    'what is huge',
    [
      any('a request line', line(`GET /${'a'.repeat(20_000)} HTTP/1.1`), [414, 431]),
      any('a field', get(`${host}X: ${'a'.repeat(20_000)}\r\n`), [431]),
      any('fields', get(`${host}${`X: ${'a'.repeat(500)}\r\n`.repeat(40)}`), [431]),
      ours('the number of fields', get(`${host}${'X: a\r\n'.repeat(150)}`), [431]),
    ],
  ],
];
