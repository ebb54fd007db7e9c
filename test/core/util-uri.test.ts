import {
  applicationUri,
  type Environ,
  requestUri,
  setupTestingDefaults,
  shiftPathInfo,
} from '@wsgi/core';
import { describe, expect, it } from 'vitest';

type Given = Partial<Environ>;

const filled = (environ: Given): Environ => {
  setupTestingDefaults(environ);
  return environ;
};

describe('applicationUri', () => {
  it.each<[Given, string]>([
    [{}, 'http://127.0.0.1/'],
    [{ SCRIPT_NAME: '/spam' }, 'http://127.0.0.1/spam'],
    [{ HTTP_HOST: 'spam.com:2071' }, 'http://spam.com:2071/'],
    [{ HTTP_HOST: '', SERVER_NAME: 'eggs', SERVER_PORT: '2071' }, 'http://eggs:2071/'],
    [{ HTTP_HOST: '', SERVER_PORT: '80' }, 'http://127.0.0.1/'],
    [{ HTTP_HOST: '', HTTPS: 'on' }, 'https://127.0.0.1/'],
    [{ HTTP_HOST: '', HTTPS: 'on', SERVER_PORT: '80' }, 'https://127.0.0.1:80/'],
    [{ SCRIPT_NAME: '/sp\xe9m;=,~' }, 'http://127.0.0.1/sp%E9m%3B%3D%2C~'],
  ])('%j gives %s', (environ, uri) => {
    expect(applicationUri(filled(environ))).toBe(uri);
  });

  it('says which key is missing', () => {
    expect(() => applicationUri({ HTTP_HOST: 'a' })).toThrow(
      /environ\['wsgi\.url_scheme'\] must be a string, not undefined/,
    );
    expect(() => applicationUri({ 'wsgi.url_scheme': 'http' })).toThrow(/SERVER_NAME/);
  });
});

describe('requestUri', () => {
  it.each<[Given, string]>([
    [{}, 'http://127.0.0.1/'],
    [{ PATH_INFO: '/\xe4\xf6' }, 'http://127.0.0.1/%E4%F6'],
    [{ SCRIPT_NAME: '/spam', PATH_INFO: '/sp%m' }, 'http://127.0.0.1/spam/sp%25m'],
    [{ PATH_INFO: '/\t' }, 'http://127.0.0.1/%09'],
    [{ PATH_INFO: '*' }, 'http://127.0.0.1/%2A'],
    [{ PATH_INFO: '/a;b=c,d' }, 'http://127.0.0.1/a;b=c,d'],
    [{ PATH_INFO: '/a', QUERY_STRING: 'say=%20ni' }, 'http://127.0.0.1/a?say=%20ni'],
  ])('%j gives %s', (environ, uri) => {
    expect(requestUri(filled(environ))).toBe(uri);
  });

  it('leaves the query out when told to', () => {
    expect(requestUri(filled({ PATH_INFO: '/a', QUERY_STRING: 'b=c' }), false)).toBe(
      'http://127.0.0.1/a',
    );
  });

  it('refuses a path that is text and no native string', () => {
    expect(() => requestUri(filled({ PATH_INFO: '/日' }))).toThrow(
      /environ\.PATH_INFO must hold one byte/,
    );
    expect(() => requestUri(filled({ SCRIPT_NAME: '/日' }))).toThrow(
      /environ\.SCRIPT_NAME must hold/,
    );
  });

  const attacks = [
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '@evil.example',
    '.evil.example',
    ':1@evil.example/',
    '?x',
    '#x',
    'evil',
  ];

  it.each(
    attacks.flatMap((attack): Given[] => [
      { PATH_INFO: attack },
      { SCRIPT_NAME: attack, PATH_INFO: '' },
      { SCRIPT_NAME: '/app', PATH_INFO: attack },
      { SCRIPT_NAME: '/', PATH_INFO: attack },
    ]),
  )('%j names no other host, even resolved as a link', (environ) => {
    const whole = filled({ HTTP_HOST: 'good.example', ...environ });
    for (const uri of [requestUri(whole), applicationUri(whole)]) {
      expect(uri).toMatch(/^http:\/\/good\.example\//);
      expect(new URL(uri).host).toBe('good.example');
    }
  });
});

describe('shiftPathInfo', () => {
  it.each<[string, string, string, string | null, string]>([
    // SCRIPT_NAME, PATH_INFO, SCRIPT_NAME afterwards, what is returned, PATH_INFO afterwards
    ['', '/', '/', '', ''],
    ['', '/x', '/x', 'x', ''],
    ['/', '', '/', null, ''],
    ['/a', '/x/y', '/a/x', 'x', '/y'],
    ['/a', '/x/', '/a/x', 'x', '/'],
    ['/a/b', '/./y', '/a/b/y', 'y', ''],
    ['/a', '/x//y', '/a/x', 'x', '/y'],
    ['/a/b', '///', '/a/b/', '', ''],
    ['/a/b', '/../y', '/a', '..', '/y'],
    ['', '/../..', '', '..', '/..'],
    ['/a', '/.', '/a', null, ''],
    ['', '//evil/x', '/evil', 'evil', '/x'],
    ['a', '/../..', '.', '..', '/..'],
    ['//a', '/b', '//a/b', 'b', ''],
    ['///a', '/b', '/a/b', 'b', ''],
    ['/', '/', '/', '', ''],
    ['..', '/..', '../..', '..', ''],
  ])('%j and %j become %j, giving %j, and %j', (before, path, after, name, rest) => {
    const environ = { SCRIPT_NAME: before, PATH_INFO: path };
    expect(shiftPathInfo(environ)).toBe(name);
    expect(environ).toEqual({ SCRIPT_NAME: after, PATH_INFO: rest });
  });

  it('walks a whole path', () => {
    const environ: Given = { PATH_INFO: '/a/b/' };
    expect([1, 2, 3, 4].map(() => shiftPathInfo(environ))).toEqual(['a', 'b', '', null]);
    expect(environ).toEqual({ SCRIPT_NAME: '/a/b/', PATH_INFO: '' });
  });

  it('refuses a PATH_INFO without a slash', () => {
    expect(() => shiftPathInfo({ PATH_INFO: 'x' })).toThrow(
      /PATH_INFO must be '' or begin with '\/', not 'x'/,
    );
  });
});
