import { PassThrough } from 'node:stream';
import {
  formatDateTime,
  guessScheme,
  type InputStream,
  isHopByHop,
  readChunks,
  utf8ToWsgi,
  wsgiToUtf8,
} from '@wsgi/core';
import * as util from '@wsgi/core/util';
import { describe, expect, it } from 'vitest';

it('the subpath holds what the root holds', () => {
  expect(util.formatDateTime).toBe(formatDateTime);
  expect(Object.keys(util).sort()).toEqual([
    'FileWrapper',
    'applicationUri',
    'formatDateTime',
    'guessScheme',
    'isHopByHop',
    'readChunks',
    'requestUri',
    'setupTestingDefaults',
    'shiftPathInfo',
    'utf8ToWsgi',
    'wsgiToUtf8',
  ]);
});

describe('isHopByHop', () => {
  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'TE',
    'Trailers',
    'Transfer-Encoding',
    'Upgrade',
  ])('%s is, in any case', (name) => {
    expect([name, name.toLowerCase(), name.toUpperCase()].map(isHopByHop)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it.each(['Content-Length', 'Date', 'Connectiom', 'Keep_Alive', 'TF', '', 'Upgrade '])(
    '%j is not',
    (name) => expect(isHopByHop(name)).toBe(false),
  );
});

describe('guessScheme', () => {
  it.each(['yes', 'on', '1'])('HTTPS=%s means https', (HTTPS) => {
    expect(guessScheme({ HTTPS })).toBe('https');
  });

  it.each(['', '0', 'off', 'Yes', 'true', undefined, 1])('HTTPS=%j means http', (HTTPS) => {
    expect(guessScheme({ HTTPS })).toBe('http');
  });
});

describe('formatDateTime', () => {
  it("writes RFC 9110's example", () => {
    expect(formatDateTime(784111777)).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
    expect(formatDateTime(new Date('1994-11-06T08:49:37.999Z'))).toBe(
      'Sun, 06 Nov 1994 08:49:37 GMT',
    );
  });

  it('rounds down, before 1970 too', () => {
    expect(formatDateTime(0.999)).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
    expect(formatDateTime(-0.5)).toBe('Wed, 31 Dec 1969 23:59:59 GMT');
    expect(formatDateTime(-0.0001)).toBe('Wed, 31 Dec 1969 23:59:59 GMT');
  });

  it('writes four digits for every year that it takes', () => {
    expect(formatDateTime(-62167219200)).toBe('Sat, 01 Jan 0000 00:00:00 GMT');
    expect(formatDateTime(-30641760000)).toBe('Tue, 01 Jan 0999 00:00:00 GMT');
    expect(formatDateTime(253402300799)).toBe('Fri, 31 Dec 9999 23:59:59 GMT');
  });

  it.each([253402300800, -62167219201, Number.NaN, Number.POSITIVE_INFINITY, 1795368000000])(
    'refuses %d, which is no such year, and warns of milliseconds',
    (time) => {
      expect(() => formatDateTime(time)).toThrow(RangeError);
      expect(() => formatDateTime(time)).toThrow(/not milliseconds/);
    },
  );

  it('refuses what is no time', () => {
    expect(() => formatDateTime(new Date('nonsense'))).toThrow(RangeError);
    expect(() => formatDateTime('now' as never)).toThrow(
      /wants seconds since 1970 or a Date, not 'now'/,
    );
  });
});

describe('native strings', () => {
  it.each([
    ['plain', 'plain'],
    ['café', 'caf\xc3\xa9'],
    ['日本 😀', '\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80'],
    ['\ufeffx', '\xef\xbb\xbfx'],
    ['', ''],
  ])('%j goes there and back', (text, native) => {
    expect(utf8ToWsgi(text)).toBe(native);
    expect(wsgiToUtf8(native)).toBe(text);
  });

  it('bytes that are no UTF-8, and halves of pairs, become U+FFFD', () => {
    expect(wsgiToUtf8('a\xe9b')).toBe('a\ufffdb');
    expect(wsgiToUtf8(utf8ToWsgi('\ud800'))).toBe('\ufffd');
  });

  it('text is refused as native, with a hint', () => {
    expect(() => wsgiToUtf8('日')).toThrow(/none above U\+00FF: '日'. utf8ToWsgi makes/);
    expect(() => wsgiToUtf8(1 as never)).toThrow(TypeError);
    expect(() => utf8ToWsgi(null as never)).toThrow(/Expected a string, not null/);
  });
});

describe('readChunks', () => {
  const collect = async (chunks: AsyncIterable<Uint8Array>) => {
    const all: Uint8Array[] = [];
    for await (const chunk of chunks) all.push(chunk);
    return all;
  };
  const input = (data: Uint8Array): { asked: number[]; read: InputStream['read'] } => {
    const asked: number[] = [];
    let at = 0;
    return {
      asked,
      read: async (size = data.length) => {
        asked.push(size);
        at += size;
        return data.subarray(at - size, at);
      },
    };
  };

  it('gives all the bytes, in chunks of the size that was asked for', async () => {
    const source = input(Buffer.from('abcdefgh'));
    const chunks = await collect(readChunks(source, 3));
    expect(chunks.map(String)).toEqual(['abc', 'def', 'gh']);
    expect(source.asked).toEqual([3, 3, 3, 3]);
  });

  it('asks for 65536 bytes unless told, and gives nothing of an empty body', async () => {
    const source = input(Buffer.alloc(0));
    expect(await collect(readChunks(source))).toEqual([]);
    expect(source.asked).toEqual([65536]);
  });

  it('asks for what has arrived, where the input can give that', async () => {
    const arrived = [Buffer.from('a'), Buffer.from('bc'), Buffer.alloc(0)];
    const source = {
      read: () => Promise.reject(new Error('waits for a full chunk')),
      read1: async () => arrived.shift() ?? Buffer.alloc(0),
    };
    expect((await collect(readChunks(source))).map(String)).toEqual(['a', 'bc']);
  });

  it('passes on the error of a read', async () => {
    const gone = Object.assign(new Error('gone'), { code: 'ECONNRESET' });
    const chunks = readChunks({ read: () => Promise.reject(gone) });
    await expect(chunks.next()).rejects.toBe(gone);
  });

  it("refuses what is no wsgi.input, such as a stream of Node's, and says what to do with it", async () => {
    const chunks = readChunks(new PassThrough() as never);
    await expect(chunks.next()).rejects.toThrow(
      "this one gave null. A stream of Node's is iterated as it is",
    );
  });

  it.each([0, -1, 1.5, Number.NaN, '8' as never])('refuses the size %j', async (size) => {
    await expect(readChunks(input(Buffer.alloc(1)), size).next()).rejects.toThrow(
      /size of a chunk must be a positive integer/,
    );
  });
});
