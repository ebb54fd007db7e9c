import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import {
  checkScriptName,
  getEnviron,
  percentDecode,
  splitMount,
  splitSegments,
  splitTarget,
} from '@wsgi/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** A request as node:http would give it, on a socket that says these things of itself. */
function request(says: object = {}, socket: Socket = new Socket()): IncomingMessage {
  const message = new IncomingMessage(socket);
  for (const [name, value] of Object.entries(says)) {
    const target = /^(local|remote)/.test(name) ? socket : message;
    Object.defineProperty(target, name, { value });
  }
  return message;
}

describe('getEnviron', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['', 'localhost'],
    [undefined, 'localhost'],
  ])('names the server of the local address %j %s', (localAddress, name) => {
    const environ = getEnviron(request({ httpVersion: '1.1', url: '/', localAddress }));
    expect(environ.SERVER_NAME).toBe(name);
  });

  it('takes the port of the scheme where the socket has none, as on a Unix socket', () => {
    const plain = getEnviron(request({ httpVersion: '1.1', url: '/' }));
    expect([plain['wsgi.url_scheme'], plain.SERVER_PORT]).toEqual(['http', '80']);
    const secure = getEnviron(
      request({ httpVersion: '1.1', url: '/' }, new TLSSocket(new Socket())),
    );
    expect([secure['wsgi.url_scheme'], secure.SERVER_PORT]).toEqual(['https', '443']);
    expect('REMOTE_ADDR' in plain || 'REMOTE_PORT' in plain).toBe(false);
  });

  it('says who the client is where the socket knows', () => {
    const environ = getEnviron(
      request({ httpVersion: '1.0', url: '/', remoteAddress: '::1', remotePort: 5, localPort: 8 }),
    );
    expect([environ.REMOTE_ADDR, environ.REMOTE_PORT, environ.SERVER_PORT]).toEqual([
      '::1',
      '5',
      '8',
    ]);
    expect(environ.SERVER_PROTOCOL).toBe('HTTP/1.0');
  });

  it('serves a request without socket, method and target, as a test double may be', () => {
    const rawHeaders = ['X-A', '1'];
    const double = { httpVersion: '1.1', rawHeaders, headers: {} } as unknown as IncomingMessage;
    expect(getEnviron(double)).toMatchObject({
      REQUEST_METHOD: 'GET',
      PATH_INFO: '/',
      REQUEST_URI: '/',
      SERVER_NAME: 'localhost',
      SERVER_PORT: '80',
      HTTP_X_A: '1',
    });
  });

  it.each([
    [
      'http://user@other:81/a%20b?q',
      { PATH_INFO: '/a b', QUERY_STRING: 'q', HTTP_HOST: 'other:81' },
    ],
    ['http://other', { PATH_INFO: '/', QUERY_STRING: '', HTTP_HOST: 'other' }],
    ['http://other?q', { PATH_INFO: '/', QUERY_STRING: 'q', HTTP_HOST: 'other' }],
    ['/a', { PATH_INFO: '/a', HTTP_HOST: 'mine' }],
    ['//evil/a', { PATH_INFO: '//evil/a', HTTP_HOST: 'mine' }],
    ['*', { PATH_INFO: '', HTTP_HOST: 'mine' }],
  ])('takes the target %s apart; an authority in it replaces Host', (url, expected) => {
    const rawHeaders = ['Host', 'mine'];
    expect(getEnviron(request({ httpVersion: '1.1', url, rawHeaders }))).toMatchObject(expected);
  });

  it('holds bytes only, whatever text a host has made the target of', () => {
    const environ = getEnviron(
      request({ httpVersion: '1.1', url: 'http://h€/p€?q€', rawHeaders: ['X-A', '€'] }),
    );
    const euro = Buffer.from('€').toString('latin1');
    expect(environ).toMatchObject({
      PATH_INFO: `/p${euro}`,
      QUERY_STRING: `q${euro}`,
      REQUEST_URI: `http://h${euro}/p${euro}?q${euro}`,
      HTTP_HOST: `h${euro}`,
      HTTP_X_A: euro,
    });
  });

  it('has no key for a pseudo-header field, nor for a field without a name', () => {
    const rawHeaders = [':method', 'GET', '', 'x', 'a', 'b'];
    const environ = getEnviron(request({ httpVersion: '2.0', url: '/', rawHeaders }));
    expect(Object.keys(environ).filter((key) => /^(HTTP_.*)?$/.test(key))).toEqual(['HTTP_A']);
  });

  it('takes the Host of an HTTP/2 request from :authority, or leaves what its fields say', () => {
    const base = { httpVersion: '2.0', url: '/', rawHeaders: ['host', 'field'] };
    const named = getEnviron(request({ ...base, headers: { ':authority': 'pseudo' } }));
    expect([named.HTTP_HOST, named.SERVER_PROTOCOL]).toEqual(['pseudo', 'HTTP/2.0']);
    expect(getEnviron(request({ ...base, headers: {} })).HTTP_HOST).toBe('field');
  });
});

describe('splitTarget', () => {
  it('makes a path of a target that has no slash', () => {
    expect(splitTarget('a?b')).toEqual({ path: '/a', query: 'b', authority: undefined });
    expect(splitTarget('1a://b')).toMatchObject({ path: '/1a://b', authority: undefined });
    expect(splitTarget('abc')).toMatchObject({ path: '/abc', authority: undefined });
    expect(splitTarget('')).toMatchObject({ path: '', authority: undefined });
  });

  it('knows a scheme in any case, and takes the host behind the last @', () => {
    expect(splitTarget('HTTP://a@b@c/d')).toEqual({ path: '/d', query: '', authority: 'c' });
  });
});

describe('percentDecode', () => {
  it.each([
    ['%00%09%0a', '\0\t\n'],
    ['%09%90%aA%fF%Ff', '\t\x90\xaa\xff\xff'],
    ['%2525', '%25'],
    ['%%41%4', '%A%4'],
    ['%0g%g0%0G%/0%0/%:0%0:%@0%0@%`0%0`', '%0g%g0%0G%/0%0/%:0%0:%@0%0@%`0%0`'],
  ])('makes %j a byte for each pair of hex digits, once', (path, decoded) => {
    expect(percentDecode(path)).toBe(decoded);
  });
});

describe('splitSegments', () => {
  it('cuts off what there is of a path that has fewer segments than the mount', () => {
    expect(splitSegments('/a', 3)).toEqual({ scriptName: '/a', pathInfo: '' });
    expect(splitSegments('', 1)).toEqual({ scriptName: '', pathInfo: '' });
  });

  it('keeps every run of slashes in the mount as one, and those behind it as they are', () => {
    expect(splitSegments('//a///b//c//d', 3)).toEqual({ scriptName: '/a/b/c', pathInfo: '//d' });
  });

  it('counts empty segments where it is told to', () => {
    expect(splitSegments('//a//b', 2, true)).toEqual({ scriptName: '/a', pathInfo: '//b' });
  });
});

describe('splitMount', () => {
  it('finds no mount in a path that does not begin with a slash', () => {
    expect(splitMount('xgw/a', '/gw')).toBeUndefined();
    expect(splitMount('', '/gw')).toBeUndefined();
  });
});

describe('the header fields of an environ', () => {
  /** Few names, so that requests in turn have the same ones, others, or the same in another order. */
  const name = fc.constantFrom(
    'Host',
    'host',
    'X-A',
    'x_a',
    'Proxy',
    'Cookie',
    'Content-Type',
    'X-B',
  );
  const fields = fc.array(fc.tuple(name, fc.string({ maxLength: 3 })), { maxLength: 4 });

  /** The rules, with nothing remembered from request to request. */
  function expected(list: readonly [string, string][]): Record<string, string> {
    const entries: Record<string, string> = {};
    for (const [raw, text] of list) {
      const upper = raw.toUpperCase().replaceAll('-', '_');
      const key = upper === 'CONTENT_TYPE' ? upper : `HTTP_${upper}`;
      const value = /[^\0-\xff]/.test(text) ? Buffer.from(text).toString('latin1') : text;
      const before = entries[key];
      if (raw.includes('_') || raw === 'Proxy') continue;
      if (before === undefined || (key === 'CONTENT_TYPE' && before === '')) entries[key] = value;
      else if (key !== 'CONTENT_TYPE')
        entries[key] = before + (key === 'HTTP_COOKIE' ? '; ' : ',') + value;
    }
    return entries;
  }

  it('come from its own request, whatever the ones before it had', () => {
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 8 }), (requests) => {
        for (const list of [...requests, ...requests]) {
          const environ = getEnviron(
            request({ httpVersion: '1.1', url: '/', rawHeaders: list.flat() }),
          );
          const found = Object.entries(environ).filter(
            ([key, value]) => key.startsWith('HTTP_') || (key === 'CONTENT_TYPE' && value !== ''),
          );
          const { CONTENT_TYPE: type, ...others } = expected(list);
          expect('' in environ).toBe(false);
          expect(Object.fromEntries(found)).toEqual(
            type ? { ...others, CONTENT_TYPE: type } : others,
          );
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('checkScriptName', () => {
  it('takes none, and drops slashes at the end', () => {
    expect([undefined, '', '/', '/a//', '/é€'].map(checkScriptName)).toEqual([
      '',
      '',
      '',
      '/a',
      Buffer.from('/é€').toString('latin1'),
    ]);
  });

  it('takes text, and what is native already', () => {
    const native = Buffer.from('/café').toString('latin1');
    expect(['/café', native].map(checkScriptName)).toEqual([native, native]);
  });

  it.each([
    ['a', "not 'a'"],
    [7, 'not 7'],
    [null, 'not null'],
    [['/a'], "not [ '/a' ]"],
  ])('refuses %j, and shows it', (value, shown) => {
    expect(() => checkScriptName(value)).toThrow(shown);
  });
});
