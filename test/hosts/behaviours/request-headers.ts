import { expect } from 'vitest';
import type { Behaviour } from '../stage.ts';
import { environOf } from './apps.ts';

export const requestHeaders: Behaviour[] = [
  {
    name: 'a header is HTTP_ and its name in capitals',
    async run(stage) {
      const { environ } = await environOf(stage, {
        headers: [['X-Some-Thing', 'a, b; c="d"']],
      });
      expect(environ['HTTP_X_SOME_THING']).toBe('a, b; c="d"');
    },
  },
  {
    name: 'CONTENT_TYPE and CONTENT_LENGTH have no HTTP_',
    async run(stage) {
      const { environ } = await environOf(stage, {
        method: 'POST',
        headers: [['Content-Type', 'text/x; charset="utf-8"']],
        body: 'four',
      });
      expect(environ.CONTENT_TYPE).toBe('text/x; charset="utf-8"');
      expect(environ.CONTENT_LENGTH).toBe('4');
      expect(environ).not.toHaveProperty('HTTP_CONTENT_TYPE');
      expect(environ).not.toHaveProperty('HTTP_CONTENT_LENGTH');
    },
  },
  {
    name: 'CONTENT_TYPE and CONTENT_LENGTH are never invented',
    async run(stage) {
      for (const method of ['GET', 'POST']) {
        const { environ } = await environOf(stage, { method });
        expect(environ.CONTENT_TYPE ?? '').toBe('');
        expect(environ.CONTENT_LENGTH ?? '').toBe('');
      }
    },
  },
  {
    name: 'a Content-Length of 0 is told',
    async run(stage) {
      const { environ } = await environOf(stage, { method: 'POST', body: '' });
      expect(environ.CONTENT_LENGTH).toBe('0');
    },
  },
  {
    name: 'repeated headers are joined with a comma, in order',
    async run(stage) {
      const { environ } = await environOf(stage, {
        headers: [
          ['X-A', '1'],
          ['X-B', 'other'],
          ['x-a', '2'],
          ['X-A', '3'],
        ],
      });
      expect(environ['HTTP_X_A']).toBe('1,2,3');
    },
  },
  {
    name: 'repeated headers that Node’s own headers object drops are joined as well',
    async run(stage) {
      const { environ } = await environOf(stage, {
        headers: [
          ['Server', 'first'],
          ['Server', 'second'],
        ],
      });
      expect(environ['HTTP_SERVER']).toBe('first,second');
    },
  },
  {
    name: 'repeated cookies are joined with a semicolon',
    async run(stage) {
      const { environ } = await environOf(stage, {
        headers: [
          ['Cookie', 'a=1; b=2'],
          ['Cookie', 'c=3'],
        ],
      });
      expect(environ['HTTP_COOKIE']).toBe('a=1; b=2; c=3');
    },
  },
  {
    name: 'a name with an underscore cannot pass for one with a hyphen',
    async run(stage) {
      const { environ } = await environOf(stage, {
        headers: [
          ['X_Forwarded_For', 'forged'],
          ['X-Forwarded_For', 'forged'],
          ['X-Real', 'true'],
          ['X_Real', 'forged'],
          ['Content_Length', '99'],
        ],
      });
      expect(environ).not.toHaveProperty('HTTP_X_FORWARDED_FOR');
      expect(environ['HTTP_X_REAL']).toBe('true');
      expect(Object.values(environ)).not.toContain('forged');
      expect(environ.CONTENT_LENGTH ?? '').toBe('');
    },
  },
  {
    name: 'the Proxy header is dropped',
    async run(stage) {
      const { environ } = await environOf(stage, {
        headers: [
          ['Proxy', 'http://evil.example'],
          ['pROXY', 'http://evil.example'],
          ['X-Proxy', 'kept'],
        ],
      });
      expect(environ).not.toHaveProperty('HTTP_PROXY');
      expect(environ['HTTP_X_PROXY']).toBe('kept');
    },
  },
  {
    name: 'a __proto__ header changes no prototype and is no key',
    async run(stage) {
      const { environ } = await environOf(stage, {
        headers: [
          ['__proto__', 'polluted'],
          ['constructor', 'a header'],
          ['toString', 'another'],
        ],
      });
      expect([null, Object.prototype]).toContain(Object.getPrototypeOf(environ));
      expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
      expect(Object.keys(environ).filter((key) => /__proto__/i.test(key))).toEqual([]);
      expect(environ['HTTP_CONSTRUCTOR']).toBe('a header');
      expect(environ['HTTP_TOSTRING']).toBe('another');
      expect(Object.hasOwn(environ, 'constructor')).toBe(false);
    },
  },
  {
    name: 'headers that claim a CGI variable stay headers',
    async run(stage) {
      const forged = 'forged';
      const { environ } = await environOf(stage, {
        headers: [
          ['Script-Name', forged],
          ['Remote-User', forged],
          ['Remote-Addr', forged],
          ['Request-Method', forged],
          ['Https', 'on'],
          ['wsgi.input', forged],
        ],
      });
      expect(environ.SCRIPT_NAME).toBe('');
      expect(environ.REMOTE_USER).toBeUndefined();
      expect(environ.REMOTE_ADDR).not.toBe(forged);
      expect(environ['wsgi.input']).toBeTypeOf('object');
      const holders = Object.keys(environ).filter((key) => environ[key] === forged);
      for (const key of holders) expect(key).toMatch(/^HTTP_/);
      expect(holders).toHaveLength(5);
    },
  },
  {
    name: 'forwarded headers are trusted nowhere',
    async run(stage) {
      const { environ, mounted } = await environOf(stage, {
        host: 'asked.example:99',
        headers: [
          ['X-Forwarded-For', '203.0.113.7'],
          ['X-Forwarded-Proto', 'ftp'],
          ['X-Forwarded-Host', 'evil.example'],
          ['Forwarded', 'for=203.0.113.7;proto=ftp;host=evil.example'],
        ],
      });
      expect(environ.REMOTE_ADDR).toBe('127.0.0.1');
      expect(environ['wsgi.url_scheme']).toBe(mounted.secure ? 'https' : 'http');
      expect(environ.HTTP_HOST).toBe('asked.example:99');
      expect(environ['HTTP_X_FORWARDED_FOR']).toBe('203.0.113.7');
    },
  },
  {
    name: 'Host, or HTTP/2’s :authority, is HTTP_HOST, and no key holds a colon',
    async run(stage) {
      const { environ } = await environOf(stage, {
        host: 'front.example:8443',
      });
      expect(environ.HTTP_HOST).toBe('front.example:8443');
      expect(Object.keys(environ).filter((key) => key.includes(':'))).toEqual([]);
    },
  },
  {
    name: 'header values are bytes: latin-1 as they are, empty ones too',
    async run(stage) {
      const { environ } = await environOf(stage, {
        headers: [
          ['X-Latin', 'caf\xe9 \xff'],
          ['X-Empty', ''],
          ['X-Tab', 'a\tb'],
        ],
      });
      expect(environ['HTTP_X_LATIN']).toBe('caf\xe9 \xff');
      expect(environ['HTTP_X_EMPTY']).toBe('');
      expect(environ['HTTP_X_TAB']).toBe('a\tb');
    },
  },
  {
    name: 'large headers arrive whole',
    async run(stage) {
      const large = 'x'.repeat(6000);
      const { environ } = await environOf(stage, {
        headers: [
          ['X-Large', large],
          ['Cookie', `c=${large}`],
        ],
      });
      expect(environ['HTTP_X_LARGE']).toBe(large);
      expect(environ['HTTP_COOKIE']).toBe(`c=${large}`);
    },
  },
];
