/**
 * One request as data: what the server gives, what the application does, and how the server goes on.
 *
 * Data, so that it can be played here and by CPython (test/parity) alike.
 */

import type { DifferencesOf } from '../parity/differences.ts';

/** JSON, with marks for what it has no word for. */
export type Value =
  | string
  | number
  | boolean
  | null
  | Value[]
  /** Bytes, a code unit for each. */
  | { bytes: string }
  /** Something that can be iterated once and is no list. */
  | { iterator: Value[] }
  /** An object of no particular use. */
  | { object: true }
  /** A caught error, as `excInfo` takes it: an Error here, a tuple in Python. */
  | { caught: string };

/** One thing that an application does. */
export type Step =
  | ['start', ...args: Value[]]
  | ['write', ...args: Value[]]
  | ['yield', Value]
  | ['input' | 'errors', method: string, ...args: Value[]]
  | ['iterate input']
  | ['throw', message: string]
  /** Does it, and goes on when it fails. */
  | ['try', Step];

/** One thing that a server does with what the application returned. */
export type ServerStep = 'drain' | 'next' | 'leave' | 'close';

export interface Scenario {
  /** Entries put over those of a plain GET request. */
  environ?: Record<string, Value>;
  /** Keys taken out of the environ. */
  without?: string[];
  /** The request's body. */
  input?: string;
  /** What the server's input answers, whatever is asked. */
  answers?: Value;
  /** How many arguments the server calls the application with. */
  arguments?: number;
  /** What the server's `startResponse` returns in place of `write`. */
  writer?: Value;
  /** What the application does when it is called. */
  call: Step[];
  /** What it returns: chunks in a list, the steps of a generator, or some other value. */
  body: { list: Value[] } | { generator: Step[] } | { value: Value };
  /** A middleware between, with a validator on both of its sides: it collects the body into one chunk. */
  middleware?: 'collects';
  /** What the body's `close` is, if it has one: a method, one that throws, or some other value. */
  close?: 'method' | 'throws' | { value: Value };
  /** How the server goes on; by default it drains the body and closes it. */
  server?: ServerStep[];
  /** What the application does after that. */
  after?: Step[];
}

/** The rows of test/parity/differences.ts that are the validator's. */
export type Differs = DifferencesOf<'validate'>;

/** A row of the validator's table. */
export interface Case {
  name: string;
  scenario: Scenario;
  /** Begins what the AssertionError says; without it, nothing is wrong. */
  wrong?: `${'application' | 'server' | 'middleware'}: ${string}`;
  /** The section of PEP 3333 that the error names. */
  section?: string;
  /** Begins what the WSGIWarning says; without it, there is none. */
  warns?: `${'application' | 'server' | 'middleware'}: ${string}`;
  /** The row of test/parity/differences.ts by which CPython's validator says otherwise. */
  differs?: Differs;
}

/** The environ of a plain request, without its streams. */
export const PLAIN: Record<string, Value> = {
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: '',
  PATH_INFO: '/',
  QUERY_STRING: '',
  SERVER_NAME: '127.0.0.1',
  SERVER_PORT: '80',
  SERVER_PROTOCOL: 'HTTP/1.1',
  HTTP_HOST: '127.0.0.1',
  'wsgi.version': [1, 0],
  'wsgi.url_scheme': 'http',
  'wsgi.multithread': false,
  'wsgi.multiprocess': false,
  'wsgi.run_once': false,
};

export const TEXT: Value = [['Content-Type', 'text/plain']];

export const OK: Step = ['start', '200 OK', TEXT];

export const bytes = (data: string): Value => ({ bytes: data });

/** What a value stands for here. */
export function decode(value: Value): unknown {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'object' || value === null) return value;
  if ('bytes' in value) return Buffer.from(value.bytes, 'latin1');
  if ('iterator' in value) return value.iterator.map(decode).values();
  if ('caught' in value) return new Error(value.caught);
  return {};
}
