/** The behaviours of CPython's test/test_wsgiref.py, by the names of its tests: UtilityTests and HeaderTests. */
import {
  applicationUri,
  type Environ,
  FileWrapper,
  guessScheme,
  Headers,
  isHopByHop,
  requestUri,
  setupTestingDefaults,
  shiftPathInfo,
} from '@wsgi/core';
import { describe, expect, it } from 'vitest';

function defaults(given: object = {}): Environ {
  const environ: Partial<Environ> = { ...given };
  setupTestingDefaults(environ);
  return environ as Environ;
}

describe('UtilityTests', () => {
  it.each([
    ['', '/', '', '/', ''],
    ['', '/x', 'x', '/x', ''],
    ['/', '', undefined, '/', ''],
    ['/a', '/x/y', 'x', '/a/x', '/y'],
    ['/a', '/x/', 'x', '/a/x', '/'],
  ])('testSimpleShifts: %j %j gives %j', checkShift);

  it.each([
    ['/a/b', '/../y', '..', '/a', '/y'],
    ['', '/../y', '..', '', '/y'],
    ['/a/b', '//y', 'y', '/a/b/y', ''],
    ['/a/b', '//y/', 'y', '/a/b/y', '/'],
    ['/a/b', '/./y', 'y', '/a/b/y', ''],
    ['/a/b', '/./y/', 'y', '/a/b/y', '/'],
    ['/a/b', '///./..//y/.//', '..', '/a', '/y/'],
    ['/a/b', '///', '', '/a/b/', ''],
    ['/a/b', '/.//', '', '/a/b/', ''],
    ['/a/b', '/x//', 'x', '/a/b/x', '/'],
    ['/a/b', '/.', undefined, '/a/b', ''],
  ])('testNormalizedShifts: %j %j gives %j', checkShift);

  function checkShift(
    script: string,
    path: string,
    part: string | undefined,
    scriptAfter: string,
    pathAfter: string,
  ): void {
    const environ = defaults({ SCRIPT_NAME: script, PATH_INFO: path });
    // None is null or undefined.
    expect(shiftPathInfo(environ) ?? undefined).toBe(part);
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual([scriptAfter, pathAfter]);
  }

  it.each([
    ['SERVER_NAME', '127.0.0.1'],
    ['SERVER_PORT', '80'],
    ['SERVER_PROTOCOL', 'HTTP/1.0'],
    ['HTTP_HOST', '127.0.0.1'],
    ['REQUEST_METHOD', 'GET'],
    ['SCRIPT_NAME', ''],
    ['PATH_INFO', '/'],
    ['wsgi.version', [1, 0]],
    ['wsgi.run_once', false],
    ['wsgi.multithread', false],
    ['wsgi.multiprocess', false],
    ['wsgi.url_scheme', 'http'],
  ])('testDefaults: %s is %j, or as it was', (key, value) => {
    expect(defaults()[key]).toEqual(value);
    expect(defaults({ [key]: 'as it was' })[key]).toBe('as it was');
  });

  it('testDefaults: wsgi.input is empty, and wsgi.errors takes text', async () => {
    const environ = defaults();
    expect((await environ['wsgi.input'].read()).length).toBe(0);
    expect(() => environ['wsgi.errors'].write('text')).not.toThrow();
  });

  it.each([
    ['HTTP_HOST', 'foo.bar', { SERVER_NAME: 'foo.bar' }],
    ['wsgi.url_scheme', 'https', { HTTPS: 'on' }],
    ['wsgi.url_scheme', 'https', { HTTPS: '1' }],
    ['wsgi.url_scheme', 'https', { HTTPS: 'yes' }],
    ['wsgi.url_scheme', 'http', { HTTPS: 'foo' }],
    ['SERVER_PORT', '80', { HTTPS: 'foo' }],
    ['SERVER_PORT', '443', { HTTPS: 'on' }],
  ])('testCrossDefaults: %s is %j with %j', (key, value, given) => {
    expect(defaults(given)[key]).toBe(value);
  });

  it.each([
    [{}, 'http'],
    [{ HTTPS: 'foo' }, 'http'],
    [{ HTTPS: 'on' }, 'https'],
    [{ HTTPS: 'yes' }, 'https'],
    [{ HTTPS: '1' }, 'https'],
  ])('testGuessScheme: %j is %s', (environ, scheme) => {
    expect(guessScheme(environ)).toBe(scheme);
  });

  it.each([
    ['http://127.0.0.1/', {}],
    ['http://127.0.0.1/spam', { SCRIPT_NAME: '/spam' }],
    ['http://127.0.0.1/sp%E4m', { SCRIPT_NAME: '/sp\xe4m' }],
    ['http://spam.example.com:2071/', { HTTP_HOST: 'spam.example.com:2071', SERVER_PORT: '2071' }],
    ['http://spam.example.com/', { SERVER_NAME: 'spam.example.com' }],
    ['http://127.0.0.1/', { HTTP_HOST: '127.0.0.1', SERVER_NAME: 'spam.example.com' }],
    ['https://127.0.0.1/', { HTTPS: 'on' }],
    ['http://127.0.0.1:8000/', { SERVER_PORT: '8000', HTTP_HOST: null }],
  ])('testAppURIs: %s', (uri, given) => {
    expect(applicationUri(defaults(given))).toBe(uri);
  });

  const SPAMMITY = { SCRIPT_NAME: '/spammity', PATH_INFO: '/spam' };
  it.each([
    ['http://127.0.0.1/', {}],
    ['http://127.0.0.1/spam', { SCRIPT_NAME: '/spam' }],
    ['http://127.0.0.1/sp%E4m', { SCRIPT_NAME: '/sp\xe4m' }],
    ['http://127.0.0.1/spammity/spam', SPAMMITY],
    ['http://127.0.0.1/spammity/sp%E4m', { ...SPAMMITY, PATH_INFO: '/sp\xe4m' }],
    ['http://127.0.0.1/spammity/spam;ham', { ...SPAMMITY, PATH_INFO: '/spam;ham' }],
    [
      'http://127.0.0.1/spammity/spam;cookie=1234,5678',
      { ...SPAMMITY, PATH_INFO: '/spam;cookie=1234,5678' },
    ],
    ['http://127.0.0.1/spammity/spam?say=ni', { ...SPAMMITY, QUERY_STRING: 'say=ni' }],
    ['http://127.0.0.1/spammity/spam?s%E4y=ni', { ...SPAMMITY, QUERY_STRING: 's%E4y=ni' }],
  ])('testReqURIs: %s', (uri, given) => {
    expect(requestUri(defaults(given))).toBe(uri);
  });

  it('testReqURIs: without the query', () => {
    const environ = defaults({ ...SPAMMITY, QUERY_STRING: 'say=ni' });
    expect(requestUri(environ, false)).toBe('http://127.0.0.1/spammity/spam');
  });

  it('testFileWrapper: reads in blocks, and closes the file when it is told to', () => {
    const text = Buffer.from('xyz'.repeat(50));
    let at = 0;
    let closed = 0;
    const file = {
      read: (size: number) => {
        at += size;
        return text.subarray(at - size, at);
      },
      close: () => {
        closed += 1;
      },
    };
    const wrapper = new FileWrapper(file, 120);
    expect([...wrapper].map(String)).toEqual(['xyz'.repeat(40), 'xyz'.repeat(10)]);
    expect(closed).toBe(0);
    wrapper.close?.();
    expect(closed).toBe(1);
  });

  it('testHopByHop: of all cases', () => {
    const names =
      'Connection Keep-Alive Proxy-Authenticate Proxy-Authorization TE Trailers Transfer-Encoding Upgrade';
    const others = 'Accept Cache-Control Date Pragma Trailer Via Warning';
    const cases = (list: string) =>
      list.split(' ').flatMap((name) => [name, name.toUpperCase(), name.toLowerCase()]);
    expect(cases(names).filter((name) => !isHopByHop(name))).toEqual([]);
    expect(cases(others).filter(isHopByHop)).toEqual([]);
  });
});

describe('HeaderTests', () => {
  it('testMappingInterface: a list of pairs, and a mapping of names in any case', () => {
    expect([
      new Headers().length,
      new Headers([]).length,
      new Headers([['x', 'y']]).length,
    ]).toEqual([0, 0, 1]);
    const list: [string, string][] = [['x', 'y']];
    const given = new Headers(list);
    expect([given.keys(), given.values(), given.items()]).toEqual([['x'], ['y'], [['x', 'y']]]);
    expect(given.items()).not.toBe(list);

    const headers = new Headers();
    headers.delete('foo');
    headers.set('Foo', 'bar');
    for (const name of ['foo', 'Foo', 'FOO']) {
      expect([headers.has(name), headers.get(name), headers.getAll(name)]).toEqual([
        true,
        'bar',
        ['bar'],
      ]);
    }
    expect([headers.has('bar'), headers.get('bar') ?? null, headers.getAll('bar')]).toEqual([
      false,
      null,
      [],
    ]);
    headers.set('foo', 'baz');
    expect([headers.get('FOO'), headers.getAll('foo')]).toEqual(['baz', ['baz']]);
    expect([headers.get('foo', 'whee'), headers.get('zoo', 'whee')]).toEqual(['baz', 'whee']);
    expect([headers.setDefault('foo', 'whee'), headers.setDefault('zoo', 'whee')]).toEqual([
      'baz',
      'whee',
    ]);
    expect([headers.get('foo'), headers.get('zoo')]).toEqual(['baz', 'whee']);
  });

  it('testRequireList: nothing but an array', () => {
    expect(() => new Headers('foo' as never)).toThrow(TypeError);
  });

  it('testExtras: parameters, and the fields as they are sent', () => {
    const headers = new Headers();
    expect(String(headers)).toBe('\r\n');
    headers.addHeader('foo', 'bar', { baz: 'spam' });
    expect(headers.get('foo')).toBe('bar; baz="spam"');
    expect(String(headers)).toBe('foo: bar; baz="spam"\r\n\r\n');
    headers.addHeader('Foo', 'bar', { cheese: null });
    expect(headers.getAll('foo')).toEqual(['bar; baz="spam"', 'bar; cheese']);
    expect(String(headers)).toBe('foo: bar; baz="spam"\r\nFoo: bar; cheese\r\n\r\n');
  });
});
