/** wsgiref.util's functions but FileWrapper, format_date_time, and what PEP 3333 does with text: each with the cases on which it is compared. */
import {
  applicationUri,
  type Environ,
  formatDateTime,
  guessScheme,
  isHopByHop,
  requestUri,
  setupTestingDefaults,
  shiftPathInfo,
  utf8ToWsgi,
  wsgiToUtf8,
} from '@wsgi/core';
import * as fc from 'fast-check';
import type { Subject } from './compare.ts';
import type { Outcome } from './python.ts';

type GivenEnviron = Partial<Environ>;

/** Text of bytes. */
export const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
});
const anyText = fc.oneof(fc.string(), latin1, fc.string({ unit: 'binary' }));

const segment = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('', '.', '..', '...', 'a', 'b.c', 'app', 'caf\xe9', 'x y'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('%41', ';=,', '~-_', '?q', '#f', '\\', '\0', '@evil', ':80'),
  },
  { weight: 1, arbitrary: latin1 },
);
const segments = fc.array(segment, { maxLength: 6 }).map((parts) => parts.join('/'));
const path = fc.oneof(
  { weight: 12, arbitrary: segments.map((rest) => `/${rest}`) },
  { weight: 3, arbitrary: fc.constantFrom('', '/', '//', '///') },
  { weight: 1, arbitrary: segments },
  { weight: 1, arbitrary: fc.constantFrom('..', '../..', '/..', '/../../x') },
  { weight: 1, arbitrary: fc.constant('/日本') },
);

/** An environ in which any of the keys may be missing. */
const environOf = <T extends GivenEnviron>(
  keys: {
    [Key in keyof T]: fc.Arbitrary<T[Key]>;
  },
): fc.Arbitrary<GivenEnviron> =>
  // fast-check's type allows undefined for a key that is missing; there never is one.
  fc.record(keys, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<GivenEnviron>;

const host = fc.oneof(fc.constantFrom('', 'example.com', 'example.com:8080', '[::1]:80'), anyText);
const uriEnviron = environOf({
  'wsgi.url_scheme': fc.constantFrom('http', 'https', 'ws'),
  HTTP_HOST: host,
  SERVER_NAME: host,
  SERVER_PORT: fc.constantFrom('80', '443', '8080', ''),
  SCRIPT_NAME: path,
  PATH_INFO: path,
  QUERY_STRING: fc.oneof(fc.constantFrom('', 'a=b', 'a=%20&b'), anyText),
}).map((environ): GivenEnviron => {
  // Mostly whole: a missing key is an error on both sides, and shows no more than once.
  const whole = { 'wsgi.url_scheme': 'http', SERVER_NAME: 'server', SERVER_PORT: '8080' };
  return environ.SERVER_PORT === '' ? environ : { ...whole, ...environ };
});

const lacksSlash = (text: string | undefined): boolean => !!text && !text.startsWith('/');

/** Whether ours is theirs with one character more. */
const keepsOneMore = (theirs: Outcome, ours: Outcome): boolean => {
  if ('error' in theirs || 'error' in ours) return false;
  const [less, more] = [String(theirs.value), String(ours.value)];
  const at = less.split('').findIndex((char, i) => char !== more[i]);
  const from = at < 0 ? less.length : at;
  return less === more.slice(0, from) + more.slice(from + 1);
};

export const guessSchemes: Subject<{ environ: GivenEnviron }> = {
  op: 'guess_scheme',
  cases: fc.record({
    environ: environOf({
      HTTPS: fc.oneof(
        fc.constantFrom('yes', 'on', '1', 'YES', 'On', 'off', '0', ''),
        anyText,
        fc.constantFrom(1, 0, true, null),
      ),
    }),
  }),
  here: ({ environ }) => guessScheme(environ),
};

export const applicationUris: Subject<{ environ: GivenEnviron }> = {
  op: 'application_uri',
  cases: fc.record({ environ: uriEnviron }),
  here: ({ environ }) => applicationUri(environ),
  row: ({ environ }, theirs, ours) =>
    lacksSlash(environ.SCRIPT_NAME) && keepsOneMore(theirs, ours)
      ? 'uri-script-name-slash'
      : undefined,
};

export const requestUris: Subject<{ environ: GivenEnviron; includeQuery: boolean }> = {
  op: 'request_uri',
  cases: fc.record({ environ: uriEnviron, includeQuery: fc.boolean() }),
  here: ({ environ, includeQuery }) => requestUri(environ, includeQuery),
  row: ({ environ }, theirs, ours) => {
    if (!keepsOneMore(theirs, ours)) return undefined;
    if (lacksSlash(environ.SCRIPT_NAME)) return 'uri-script-name-slash';
    if (!environ.SCRIPT_NAME && lacksSlash(environ.PATH_INFO)) return 'uri-path-info-slash';
    return undefined;
  },
};

export const pathShifts: Subject<{ environ: GivenEnviron }> = {
  op: 'shift_path_info',
  cases: fc.record({ environ: environOf({ SCRIPT_NAME: path, PATH_INFO: path }) }),
  here: ({ environ }) => ({ returned: shiftPathInfo(environ), environ }),
};

const ADDED_KEYS = new Set([
  'QUERY_STRING',
  'SCRIPT_NAME',
  'PATH_INFO',
  'SERVER_PORT',
  'wsgi.file_wrapper',
  'wsgi.input_terminated',
]);

export const testingDefaults: Subject<{ environ: GivenEnviron }> = {
  op: 'setup_testing_defaults',
  cases: fc.record({
    environ: environOf({
      SERVER_NAME: host,
      SERVER_PROTOCOL: fc.constantFrom('HTTP/1.0', 'HTTP/1.1'),
      HTTP_HOST: fc.oneof(host, fc.constant(null as never)),
      REQUEST_METHOD: fc.constantFrom('GET', 'POST', ''),
      SCRIPT_NAME: path,
      PATH_INFO: path,
      QUERY_STRING: anyText,
      HTTPS: fc.constantFrom('on', 'off'),
      'wsgi.version': fc.constant<[number, number]>([1, 1]),
      'wsgi.run_once': fc.boolean(),
      'wsgi.multithread': fc.boolean(),
      'wsgi.multiprocess': fc.boolean(),
      'wsgi.url_scheme': fc.constantFrom('http', 'https', 'ws'),
      SERVER_PORT: fc.constantFrom('80', '443', '1'),
      'x.other': anyText,
    }),
  }),
  here: async ({ environ }) => {
    setupTestingDefaults(environ);
    const { 'wsgi.input': input, 'wsgi.errors': errors, ...rest } = environ;
    errors.write('one\n');
    errors.writelines(['two', 'three']);
    errors.flush();
    const reads = [await input.read(), await input.readline()];
    return { ...rest, 'wsgi.input': reads.map(String), 'wsgi.errors': String(errors) };
  },
  row: (_, theirs, ours) => {
    if ('error' in theirs || 'error' in ours) return undefined;
    const there = Object.entries(theirs.value as object);
    const here = ours.value as Record<string, unknown>;
    const same = there.every(([key, value]) => JSON.stringify(here[key]) === JSON.stringify(value));
    const added = Object.keys(here).filter((key) => !(key in (theirs.value as object)));
    return same && added.every((key) => ADDED_KEYS.has(key)) ? 'testing-defaults-whole' : undefined;
  },
};

const HOP_BY_HOP =
  'connection keep-alive proxy-authenticate proxy-authorization te trailers transfer-encoding upgrade';
const anyCase = (name: string): fc.Arbitrary<string> =>
  fc
    .tuple(...Array.from(name, () => fc.boolean()))
    .map((upper) => Array.from(name, (char, i) => (upper[i] ? char.toUpperCase() : char)).join(''));

export const hopByHops: Subject<{ name: string }> = {
  op: 'is_hop_by_hop',
  cases: fc.record({
    name: fc.oneof(
      fc.constantFrom(...HOP_BY_HOP.split(' ')).chain(anyCase),
      fc.constantFrom(
        'trailer',
        'Date',
        'Content-Length',
        'te ',
        'KEEP-ALIVE',
        '\u212aeep-alive',
        'İ',
      ),
      fc
        .tuple(fc.constantFrom(...HOP_BY_HOP.split(' ')), fc.string({ maxLength: 1 }))
        .map((parts) => parts.join('')),
      anyText,
    ),
  }),
  here: ({ name }) => isHopByHop(name),
};

const FIRST_SECOND = -62167219200; // of the year 0
const LAST_SECOND = 253402300799; // of the year 9999

export const dateTimes: Subject<{ seconds: number }> = {
  op: 'format_date_time',
  cases: fc.record({
    seconds: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 2 ** 32 }) },
      { weight: 3, arbitrary: fc.double({ min: -1e10, max: 1e10, noNaN: true }) },
      { weight: 3, arbitrary: fc.integer({ min: -31e9, max: LAST_SECOND }) },
      { weight: 1, arbitrary: fc.integer({ min: FIRST_SECOND - 1e10, max: 3e11 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(0, -1, 951782400, LAST_SECOND, FIRST_SECOND, LAST_SECOND + 1),
      },
    ),
  }),
  here: ({ seconds }) => formatDateTime(seconds),
  row: ({ seconds }, theirs, ours) => {
    if ('error' in theirs) return undefined;
    if ('error' in ours) {
      return seconds < FIRST_SECOND || seconds > LAST_SECOND ? 'date-range' : undefined;
    }
    const padded = String(theirs.value).replace(
      / {2,}\d+|(?<=[a-z]{3}) {2}\d+/,
      (year) => ` ${year.trim().padStart(4, '0')}`,
    );
    return padded === ours.value ? 'date-year-digits' : undefined;
  },
};

const nearUtf8 = fc.oneof(
  latin1,
  // Text in UTF-8, cut and mended anywhere.
  fc
    .tuple(fc.string({ unit: 'binary' }), fc.nat(30), latin1)
    .map(([text, at, bytes]) => Buffer.from(text).toString('latin1').slice(0, at) + bytes),
);

export const nativeDecoded: Subject<{ text: string }> = {
  op: 'wsgi_to_utf8',
  cases: fc.record({ text: fc.oneof({ weight: 9, arbitrary: nearUtf8 }, anyText) }),
  here: ({ text }) => wsgiToUtf8(text),
};

export const nativeEncoded: Subject<{ text: string }> = {
  op: 'utf8_to_wsgi',
  cases: fc.record({ text: anyText }),
  here: ({ text }) => utf8ToWsgi(text),
};
