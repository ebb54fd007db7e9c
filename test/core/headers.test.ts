import { type HeaderList, Headers } from '@wsgi/core';
import { describe, expect, it } from 'vitest';

const pairs = (): HeaderList => [
  ['Content-Type', 'text/plain'],
  ['Set-Cookie', 'a=1'],
  ['set-cookie', 'b=2'],
];

describe('Headers as a mapping', () => {
  it('finds a name in any case, and the first of several', () => {
    const headers = new Headers(pairs());
    expect(headers.get('content-TYPE')).toBe('text/plain');
    expect(headers.get('SET-COOKIE')).toBe('a=1');
    expect(headers.getAll('Set-Cookie')).toEqual(['a=1', 'b=2']);
  });

  it('gives null, or the fallback, for a name that is not there', () => {
    const headers = new Headers(pairs());
    expect(headers.get('Date')).toBeNull();
    expect(headers.get('Date', 'now')).toBe('now');
    expect(headers.get('Date', undefined)).toBeNull();
    expect(headers.getAll('Date')).toEqual([]);
    expect(headers.has('Date')).toBe(false);
  });

  it('tells names of one length apart', () => {
    const headers = new Headers([['Content-Type', 'a']]);
    expect(headers.get('Content-Typo')).toBeNull();
    expect(headers.has('content-type')).toBe(true);
  });

  it('replaces every field of a name, at the end of the list', () => {
    const headers = new Headers(pairs());
    headers.set('Set-cookie', 'c=3');
    headers.set('Content-type', 'text/html');
    expect(headers.items()).toEqual([
      ['Set-cookie', 'c=3'],
      ['Content-type', 'text/html'],
    ]);
  });

  it('deletes every field of a name, and minds nothing when there is none', () => {
    const headers = new Headers(pairs());
    headers.delete('SET-COOKIE');
    headers.delete('Date');
    expect(headers.items()).toEqual([['Content-Type', 'text/plain']]);
    expect(headers.length).toBe(1);
  });

  it('sets a default only where there is no field, an empty one included', () => {
    const headers = new Headers([['A', '']]);
    expect(headers.setDefault('a', 'x')).toBe('');
    expect(headers.setDefault('B', 'y')).toBe('y');
    expect(headers.items()).toEqual([
      ['A', ''],
      ['B', 'y'],
    ]);
  });

  it('lists names, values and fields in order', () => {
    const headers = new Headers(pairs());
    expect(headers.length).toBe(3);
    expect(headers.keys()).toEqual(['Content-Type', 'Set-Cookie', 'set-cookie']);
    expect(headers.values()).toEqual(['text/plain', 'a=1', 'b=2']);
    expect([...headers]).toEqual(pairs());
  });
});

describe('Headers and the list it was given', () => {
  it('changes that very list', () => {
    const list = pairs();
    const headers = new Headers(list);
    headers.delete('set-cookie');
    headers.set('X-A', '1');
    expect(list).toEqual([
      ['Content-Type', 'text/plain'],
      ['X-A', '1'],
    ]);
  });

  it('gives its items as a list of their own', () => {
    const headers = new Headers(pairs());
    headers.items().pop();
    expect(headers.length).toBe(3);
  });

  it('starts empty without one', () => {
    expect(new Headers().items()).toEqual([]);
    expect(new Headers(null).items()).toEqual([]);
  });

  it.each([
    ['an object', { 'Content-Type': 'text/plain' }],
    ['a map', new Map([['A', 'b']])],
    ['a string', 'A: b'],
    ['an iterator', pairs().values()],
    ['a number', 0],
  ])('refuses %s and says what to write', (_, value) => {
    expect(() => new Headers(value as never)).toThrow(
      /Headers must be an array of \[name, value\] pairs, not .*Object\.entries/s,
    );
  });

  it.each([
    ['a string', 'AB'],
    ['one item', ['A']],
    ['three items', ['A', 'b', 'c']],
    ['nothing', undefined],
  ])('refuses %s in place of a pair', (_, value) => {
    expect(() => new Headers([['A', 'b'], value as never])).toThrow(
      /A header must be a pair \[name, value\], not /,
    );
  });
});

describe('Headers on the wire', () => {
  it('writes a line for each field and an empty one at the end', () => {
    expect(new Headers(pairs()).toString()).toBe(
      'Content-Type: text/plain\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n',
    );
    expect(String(new Headers())).toBe('\r\n');
  });

  it('writes what it holds, whatever was written before', () => {
    const lists: HeaderList[] = [
      [
        ['A', '1'],
        ['B', '2\xe9'],
      ],
      [
        ['A', '1'],
        ['B', '3'],
      ],
      [
        ['A', '1'],
        ['C', '3'],
      ],
      [
        ['B', '2\xe9'],
        ['A', '1'],
      ],
      [['A', '1']],
      [],
    ];
    const joined = (list: HeaderList): string =>
      `${list.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    // Each one after each, itself as well.
    for (const before of lists) {
      for (const list of lists) {
        for (const each of [before, before, list, list]) {
          expect(new Headers([...each]).toString()).toBe(joined(each));
        }
      }
    }
  });

  it('writes a long section, and then another of as many fields', () => {
    for (const value of ['x'.repeat(10_000), 'y'.repeat(10_000)]) {
      expect(new Headers([['A', value]]).toString()).toBe(`A: ${value}\r\n\r\n`);
    }
  });

  it('writes one byte for each code unit', () => {
    const bytes = new Headers([['X', 'caf\xe9\xff']]).toBytes();
    expect(bytes).toBeInstanceOf(Uint8Array);
    expect([...bytes]).toEqual([...Buffer.from('X: caf\xe9\xff\r\n\r\n', 'latin1')]);
  });
});

describe('addHeader', () => {
  it('adds parameters, quoted, with dashes for underscores', () => {
    const headers = new Headers();
    headers.addHeader('Content-Disposition', 'attachment', {
      filename: 'bud.gif',
      x_y_z: '1',
    });
    expect(headers.get('content-disposition')).toBe('attachment; filename="bud.gif"; x-y-z="1"');
  });

  it('adds a bare name for null and for an empty value', () => {
    const headers = new Headers();
    headers.addHeader('Foo', null, { bar_baz: null, qux: '' });
    headers.addHeader('Foo', 'x');
    headers.addHeader('Foo', null);
    expect(headers.getAll('Foo')).toEqual(['bar-baz; qux', 'x', '']);
  });

  it('escapes quotes and backslashes, so that a value cannot end its quotes', () => {
    const headers = new Headers();
    headers.addHeader('A', 'b', { f: 'a"; g="\\' });
    expect(headers.get('A')).toBe('b; f="a\\"; g=\\"\\\\"');
  });

  it('keeps the fields of that name that are there', () => {
    const headers = new Headers([['A', '1']]);
    headers.addHeader('a', '2');
    expect(headers.getAll('A')).toEqual(['1', '2']);
  });

  it.each([
    ['a parameter name that is no token', { 'a b': 'c' }, /parameter name 'a b' of the header 'A'/],
    ['an empty parameter name', { '': 'c' }, /parameter name ''/],
    ['a parameter that is no string', { a: 5 }, /parameter 'a' .*must be a string or null, not 5/],
    ['a control character in a parameter', { a: 'b\r\nC: d' }, /control character U\+000D/],
  ])('refuses %s', (_, params, message) => {
    const headers = new Headers();
    expect(() => headers.addHeader('A', 'b', params as never)).toThrow(message);
    expect(headers.length).toBe(0);
  });

  it('refuses a value that is no string, though it would be one once joined', () => {
    expect(() => new Headers().addHeader('A', 5 as never, { b: 'c' })).toThrow(TypeError);
  });
});

describe('the rules of a header field', () => {
  const ways: Array<[string, (name: string, value: string) => unknown]> = [
    ['the constructor', (name, value) => new Headers([[name, value]])],
    ['set', (name, value) => new Headers().set(name, value)],
    ['setDefault', (name, value) => new Headers().setDefault(name, value)],
    ['addHeader', (name, value) => new Headers().addHeader(name, value)],
  ];

  describe.each(ways)('in %s', (_, put) => {
    it.each([
      ['', /is not a token/],
      ['A b', /'A b' is not a token/],
      ['A:', /is not a token/],
      ['A\r\nB', /is not a token/],
      ['A\n', /is not a token/],
      ['\xe9', /is not a token/],
      ['\u212a', /is not a token/],
      [7 as never, /name must be a string, not 7/],
      [null as never, /name must be a string, not null/],
    ])('the name %j is refused', (name, message) => {
      expect(() => put(name, 'v')).toThrow(TypeError);
      expect(() => put(name, 'v')).toThrow(message);
    });

    it.each([
      ['a\r\nB: c', /U\+000D at index 1: 'a\\r\\nB: c'/],
      ['a\n', /control character U\+000A at index 1/],
      ['\0', /control character U\+0000 at index 0/],
      ['\x7f', /control character U\+007F/],
      ['日', /U\+65E5, which is no single byte/],
      ['aĀ', /U\+0100/],
      [5 as never, /of the header 'A' must be a string, not 5; write '5'/],
      [undefined as never, /must be a string, not undefined/],
      [['a'] as never, /must be a string, not \[ 'a' \]/],
    ])('the value %j is refused', (value, message) => {
      expect(() => put('A', value)).toThrow(TypeError);
      expect(() => put('A', value)).toThrow(message);
    });

    it('every token character, HTAB and every byte above U+007F pass', () => {
      expect(() => put("!#$%&'*+-.^_`|~09azAZ", '')).not.toThrow();
      expect(() => put('A', ' \t~\x80\x9f\xff')).not.toThrow();
    });
  });

  it('leave the list as it was when they refuse', () => {
    const headers = new Headers(pairs());
    expect(() => headers.set('Set-Cookie', 'a\nb')).toThrow();
    expect(headers.items()).toEqual(pairs());
  });

  it('hold for more names than are remembered, and for very long ones', () => {
    for (let i = 0; i < 1000; i++) {
      expect(new Headers([[`X-${i}`, 'v']]).get(`x-${i}`)).toBe('v');
    }
    const long = 'X'.repeat(10_000);
    expect(new Headers([[long, 'v']]).has(long)).toBe(true);
    expect(() => new Headers([['X 1', 'v']])).toThrow(/token/);
  });

  it.each(['get', 'getAll', 'has', 'delete'] as const)(
    '%s refuses a name that is no string',
    (method) => {
      expect(() => new Headers()[method](3 as never)).toThrow(/name must be a string, not 3/);
    },
  );
});
