/** Random requests, and what the intended differences make of wsgiref's environ for them. */
import * as fc from 'fast-check';
import type { DifferencesOf } from './differences.ts';

export type EnvironRow = DifferencesOf<'environ'>;
type Field = [name: string, value: string];
type Texts = Record<string, string>;

export interface Request {
  method: string;
  target: string;
  version: string;
  fields: Field[];
}

const pick = <T>(...items: T[]) => fc.constantFrom(...items);
const rarely = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: rare });

const piece = pick(
  ...['/', '/', 'a', 'B', '.', '..', ';', '=', '+', '~', ':', '@', ',', '-', '_', '!'],
  ...['%41', '%2F', '%2f', '%e9', '%FF', '%C3%A9', '%00', '%25', '%zz', '%4', '%'],
);
const pieces = fc.array(piece, { maxLength: 12 }).map((list) => list.join(''));
const target = rarely(
  fc
    .tuple(pieces, fc.option(pieces))
    .map(([path, query]) => `/${path}${query === null ? '' : `?${query}&a?b`}`),
  pick('http://other.example/a%20b?c', 'http://other.example:81'),
);

const text = fc.string({ unit: pick(...'aZ09 ,;="\t\xe9\xff\x80'), maxLength: 12 });
const value = rarely(text, pick('\x85a\xa0', '\xa0', 'a\x85'));
const name = rarely(
  pick('X-A', 'x-a', 'X-B', 'Accept', 'User-Agent', 'Cookie', 'cookie', 'X-!#$%&', 'Via'),
  pick('Proxy', 'X_A', 'X_A-B', 'Server-Name', 'Path-Info', 'Script-Name', 'Remote-Addr'),
);
const optional = (field: string, of: fc.Arbitrary<string>): fc.Arbitrary<Field[]> =>
  fc.option(of).map((found) => (found === null ? [] : [[field, found]]));

const fields: fc.Arbitrary<Field[]> = fc
  .tuple(
    fc.array(fc.tuple(name, value), { maxLength: 6 }),
    optional('Content-Type', pick('text/html', 'a/b; c="d"')),
    optional('content-LENGTH', pick('0')),
  )
  .map(([list, type, length]) => [['Host', 'here.example'], ...type, ...list, ...length]);

export const requests: fc.Arbitrary<Request> = rarely(
  fc.record({
    method: pick('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
    target,
    version: pick('HTTP/1.0', 'HTTP/1.1'),
    fields,
  }),
  fields.map((list) => ({ method: 'OPTIONS', target: '*', version: 'HTTP/1.1', fields: list })),
);

export function rawRequest({ method, target, version, fields }: Request): Buffer {
  const lines = [...fields, ['Connection', 'close']].map(
    ([field, text]) => `${field}: ${text}\r\n`,
  );
  return Buffer.from(`${method} ${target} ${version}\r\n${lines.join('')}\r\n`, 'latin1');
}

/** What belongs to the server, or to the connection, and not to the request. */
const NOT_COMPARED = [
  'SERVER_NAME',
  'SERVER_PORT',
  'SERVER_SOFTWARE',
  'REMOTE_PORT',
  'REQUEST_URI',
];

export function comparable(environ: Texts): Texts {
  return Object.fromEntries(Object.entries(environ).filter(([key]) => !NOT_COMPARED.includes(key)));
}

/** wsgiref's environ as it should be here; adds to `rows` by what it was changed. */
export function intended(request: Request, theirs: Texts, rows: Set<EnvironRow>): Texts {
  const environ = { ...theirs };
  const set = (row: EnvironRow, key: string, text: string | undefined) => {
    if (environ[key] === text) return;
    rows.add(row);
    if (text === undefined) delete environ[key];
    else environ[key] = text;
  };
  set('environ-remote-host', 'REMOTE_HOST', undefined);
  if (!request.fields.some(([field]) => field === 'Content-Type')) {
    set('environ-content-type', 'CONTENT_TYPE', '');
  }
  setPath(request, set);
  for (const [key, values] of groupFields(request.fields)) {
    const kept = values.filter(([field]) => !field.includes('_') && key !== 'HTTP_PROXY');
    const joined = kept.map(([, text]) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
    const here = joined.join(key === 'HTTP_COOKIE' ? '; ' : ',');
    set(rowOf(key, values), key, kept.length > 0 ? here : undefined);
  }
  return environ;
}

function setPath(
  { target }: Request,
  set: (row: EnvironRow, key: string, text: string) => void,
): void {
  if (target === '*') set('environ-target-form', 'PATH_INFO', '');
  const absolute = /^http:\/\/([^/]+)(\/[^?]*)?/.exec(target);
  if (absolute !== null) {
    set('environ-target-form', 'PATH_INFO', decodeURI(absolute[2] ?? '/'));
    set('environ-target-form', 'HTTP_HOST', absolute[1] ?? '');
  } else if (target.startsWith('//')) {
    const [path = ''] = target.split('?');
    const decoded = path.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    set('environ-double-slash', 'PATH_INFO', decoded);
  }
}

/** The fields by their keys; those that have keys of their own are compared as they are. */
function groupFields(fields: Field[]): Map<string, Field[]> {
  const groups = new Map<string, Field[]>();
  for (const field of fields) {
    const key = `HTTP_${field[0].toUpperCase().replaceAll('-', '_')}`;
    if (/^HTTP_(HOST|CONTENT_.*)$/.test(key)) continue;
    groups.set(key, [...(groups.get(key) ?? []), field]);
  }
  return groups;
}

function rowOf(key: string, values: Field[]): EnvironRow {
  if (key === 'HTTP_PROXY') return 'environ-proxy';
  if (/^HTTP_(SERVER_NAME|PATH_INFO|SCRIPT_NAME|REMOTE_ADDR)$/.test(key)) return 'environ-reserved';
  if (values.some(([field]) => field.includes('_'))) return 'environ-underscore';
  return key === 'HTTP_COOKIE' ? 'environ-cookie' : 'environ-space';
}
