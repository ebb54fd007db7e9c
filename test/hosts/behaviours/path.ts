import { applicationUri, requestUri, wsgiToUtf8 } from '@wsgi/core';
import { expect } from 'vitest';
import { wireTarget } from '../client/index.ts';
import type { Behaviour, MountOptions, Stage } from '../stage.ts';
import { environOf, ok, pathOf } from './apps.ts';

const under = (scriptName: string): MountOptions => ({ scriptName });

/** A row: where the application is mounted, the target sent, and `SCRIPT_NAME|PATH_INFO|QUERY_STRING|REQUEST_URI`. */
const row = (name: string, scriptName: string, target: string, expected: string): Behaviour => ({
  name,
  async run(stage) {
    const { environ } = await environOf(stage, { target }, under(scriptName));
    expect(pathOf(environ)).toBe(expected);
  },
});

/** Sends a target that is not the mount's to serve. */
async function expectNotCalled(stage: Stage, target: string, scriptName: string): Promise<void> {
  let called = 0;
  const mounted = await stage.mount((_environ, startResponse) => {
    called++;
    return ok(startResponse);
  }, under(scriptName));
  const response = await mounted.fetch({ target });
  expect(response.status).toBe(404);
  expect(called).toBe(0);
}

export const path: Behaviour[] = [
  row('the root of a root mount has an empty SCRIPT_NAME', '', '/', '|/||/'),
  row('a path under a root mount is all PATH_INFO', '', '/x/y.txt', '|/x/y.txt||/x/y.txt'),
  row('a trailing slash is kept', '', '/x/', '|/x/||/x/'),
  row('a prefix becomes SCRIPT_NAME and leaves PATH_INFO', '/gw', '/gw/x/y', '/gw|/x/y||/gw/x/y'),
  row('the bare prefix has an empty PATH_INFO', '/gw', '/gw', '/gw|||/gw'),
  row('the prefix with a slash has the PATH_INFO /', '/gw', '/gw/', '/gw|/||/gw/'),
  row('the bare prefix with a query has an empty PATH_INFO', '/gw', '/gw?a=1', '/gw||a=1|/gw?a=1'),
  row('nested routers add up to one SCRIPT_NAME', '/a/b/c', '/a/b/c/d', '/a/b/c|/d||/a/b/c/d'),
  row('the bare path of nested routers has an empty PATH_INFO', '/a/b', '/a/b', '/a/b|||/a/b'),
  row('the prefix may come again in PATH_INFO', '/gw', '/gw/gw/x', '/gw|/gw/x||/gw/gw/x'),
  {
    name: 'a path outside the prefix is not the application’s',
    run: (stage) => expectNotCalled(stage, '/other/x', '/gw'),
  },
  {
    name: 'a longer word than the prefix is not the prefix',
    run: (stage) => expectNotCalled(stage, '/gwx/y', '/gw'),
  },
  {
    name: 'an encoded slash does not make a prefix of two segments',
    run: (stage) => expectNotCalled(stage, '/a%2Fb/x', '/a/b'),
  },
  {
    name: 'an encoded prefix is the prefix or nothing, and never a part of PATH_INFO',
    async run(stage) {
      const seen: string[] = [];
      const mounted = await stage.mount((environ, startResponse) => {
        seen.push(pathOf(environ));
        return ok(startResponse);
      }, under('/gw'));
      const { status } = await mounted.fetch({ target: '/%67w/x' });
      // Express's router matches the raw path, so there it is another path.
      if (status === 404) expect(seen).toEqual([]);
      else expect(seen).toEqual(['/gw|/x||/%67w/x']);
      expect([200, 404]).toContain(status);
    },
  },
  {
    name: 'a prefix that needs percent-encoding is decoded in SCRIPT_NAME',
    async run(stage) {
      const target = '/caf%C3%A9/x%20y';
      const { environ } = await environOf(stage, { target }, under('/café'));
      expect(pathOf(environ)).toBe(`/caf\xc3\xa9|/x y||${target}`);
      expect(wsgiToUtf8(environ.SCRIPT_NAME)).toBe('/café');
    },
  },
  row('%2F is decoded', '/gw', '/gw/a%2Fb%2fc', '/gw|/a/b/c||/gw/a%2Fb%2fc'),
  row('decoding happens once', '/gw', '/gw/a%252Fb', '/gw|/a%2Fb||/gw/a%252Fb'),
  row('malformed escapes stay as they are', '/gw', '/gw/%zz/%4', '/gw|/%zz/%4||/gw/%zz/%4'),
  row('a lone % at the end stays', '', '/a%20b%', '|/a b%||/a%20b%'),
  row('bytes that are no UTF-8 are decoded byte for byte', '', '/%FF%fe', '|/\xff\xfe||/%FF%fe'),
  row('%00 is a byte as any other', '', '/a%00b', '|/a\0b||/a%00b'),
  {
    name: 'UTF-8 in a path arrives as one code unit for each byte',
    async run(stage) {
      const word = '日本語/ü/😀';
      const { environ } = await environOf(stage, {
        target: `/${encodeURI(word)}`,
      });
      expect(environ.PATH_INFO).toBe(`/${Buffer.from(word).toString('latin1')}`);
      expect(wsgiToUtf8(environ.PATH_INFO)).toBe(`/${word}`);
    },
  },
  row('doubled slashes are kept', '', '/a//b///', '|/a//b///||/a//b///'),
  row('doubled slashes after the prefix are kept', '/gw', '/gw//x//', '/gw|//x//||/gw//x//'),
  row('dot segments are kept', '/gw', '/gw/a/../b/./c', '/gw|/a/../b/./c||/gw/a/../b/./c'),
  row('dots in escapes are no segments', '/gw', '/gw/%2e%2e/x', '/gw|/../x||/gw/%2e%2e/x'),
  row(
    'plus, semicolon, comma and colon are path bytes',
    '',
    '/a+b;c=1,d:e',
    '|/a+b;c=1,d:e||/a+b;c=1,d:e',
  ),
  row('a ? alone leaves an empty query', '/gw', '/gw/x?', '/gw|/x||/gw/x?'),
  row('the query is raw', '', '/x?a=%20b&c=d+e%zz', '|/x|a=%20b&c=d+e%zz|/x?a=%20b&c=d+e%zz'),
  row('only the first ? ends the path', '', '/x?a?b=//c/../d', '|/x|a?b=//c/../d|/x?a?b=//c/../d'),
  row('%3F does not end the path', '', '/a%3Fb?c', '|/a?b|c|/a%3Fb?c'),
  {
    name: 'a path that begins with two slashes cannot name another host',
    async run(stage) {
      const { environ, mounted } = await environOf(stage, {
        target: '//evil.example/x?y',
      });
      expect(pathOf(environ)).toBe('|//evil.example/x|y|//evil.example/x?y');
      expect(new URL(requestUri(environ)).origin).toBe(mounted.origin);
      expect(new URL(applicationUri(environ)).origin).toBe(mounted.origin);
    },
  },
  {
    name: 'an absolute-form target is split, and its scheme proves nothing',
    async run(stage) {
      const target = 'https://elsewhere.example/gw/x%20y?q=/';
      const { environ, mounted } = await environOf(stage, { target }, under('/gw'));
      expect(pathOf(environ)).toBe(`/gw|/x y|q=/|${wireTarget(mounted, target)}`);
      expect(environ['wsgi.url_scheme']).toBe(mounted.secure ? 'https' : 'http');
    },
  },
  {
    name: 'the authority of an absolute-form target replaces Host',
    async run(stage) {
      const target = 'http://elsewhere.example:8080/x';
      const { environ, mounted } = await environOf(stage, {
        target,
        host: 'front.example',
      });
      // RFC 9112 section 3.2.2.
      expect(environ.HTTP_HOST).toBe('elsewhere.example:8080');
      expect(pathOf(environ)).toBe(`|/x||${wireTarget(mounted, target)}`);
    },
  },
  {
    name: 'OPTIONS * has an empty PATH_INFO',
    async run(stage) {
      const { environ } = await environOf(stage, {
        method: 'OPTIONS',
        target: '*',
      });
      expect(pathOf(environ)).toBe('|||*');
      expect(environ.REQUEST_METHOD).toBe('OPTIONS');
    },
  },
];
