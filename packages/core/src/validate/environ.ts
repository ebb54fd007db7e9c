import { METHODS } from 'node:http';
import { show } from '../show.js';
import { checkNativeString, type Side, violation, warn } from './report.js';

/**
 * Checks all that a server (or the middleware above) says about a request. `side` is who made the environ.
 *
 * Source: PEP 3333, "environ Variables".
 */
export function checkEnviron(environ: unknown, side: Side): asserts environ is Entries {
  checkPlainObject(environ, side);
  checkRequired(environ, side);
  checkContentKeys(environ, side);
  checkStrings(environ, side);
  checkNeverEmpty(environ, side);
  checkGatewayKeys(environ, side);
  checkExtensions(environ, side);
  checkMethod(environ, side);
  checkQuery(environ, side);
  checkPath(environ, side);
  checkContentLength(environ, side);
}

type Entries = Record<string, unknown>;

const SECTION = 'environ Variables';
const REQUIRED = [
  'REQUEST_METHOD',
  'SERVER_NAME',
  'SERVER_PORT',
  'SERVER_PROTOCOL',
  'wsgi.version',
  'wsgi.url_scheme',
  'wsgi.input',
  'wsgi.errors',
  'wsgi.multithread',
  'wsgi.multiprocess',
  'wsgi.run_once',
];
const NEVER_EMPTY = ['REQUEST_METHOD', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL'];

const INPUT_METHODS = ['read', 'readline', 'readlines', Symbol.asyncIterator];
const ERRORS_METHODS = ['flush', 'write', 'writelines'];

function checkPlainObject(environ: unknown, side: Side): asserts environ is Entries {
  const refuse = (why: string) =>
    violation(side, `the environ must be ${why}, not ${show(environ)}`, SECTION, environ);
  if (typeof environ !== 'object' || environ === null) throw refuse('a plain object');
  const prototype = Object.getPrototypeOf(environ);
  // An object of another realm (node:vm) is plain too: its prototype is the end of its chain.
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!plain) throw refuse('a plain object');
  if (!Object.isExtensible(environ)) throw refuse('an object that the application may change');
}

function checkRequired(environ: Entries, side: Side): void {
  for (const key of REQUIRED) {
    if (environ[key] === undefined) {
      throw violation(side, `the environ lacks the required key ${key}`, SECTION);
    }
  }
}

function checkContentKeys(environ: Entries, side: Side): void {
  for (const name of ['CONTENT_TYPE', 'CONTENT_LENGTH']) {
    const key = `HTTP_${name}`;
    if (environ[key] !== undefined) {
      const found = `${key} ${show(environ[key])}`;
      throw violation(side, `the environ holds ${found}; its key is ${name}`, SECTION);
    }
  }
}

// A key with a dot is an extension, whose value may be anything. One that is undefined is as good as absent: so a host
// says that nobody has logged in.
function checkStrings(environ: Entries, side: Side): void {
  for (const [key, value] of Object.entries(environ)) {
    if (key.includes('.') || value === undefined) continue;
    checkNativeString(side, `the environ's ${key}`, value, SECTION);
  }
}

function checkNeverEmpty(environ: Entries, side: Side): void {
  for (const key of NEVER_EMPTY) {
    if (environ[key] === '') throw violation(side, `${key} must not be empty`, SECTION, '');
  }
}

function checkGatewayKeys(environ: Entries, side: Side): void {
  const version = environ['wsgi.version'];
  if (!Array.isArray(version) || version.length !== 2 || version[0] !== 1 || version[1] !== 0) {
    throw violation(side, `wsgi.version must be [1, 0], not ${show(version)}`, SECTION, version);
  }
  const scheme = environ['wsgi.url_scheme'];
  if (scheme !== 'http' && scheme !== 'https') {
    const rule = `wsgi.url_scheme must be 'http' or 'https', not ${show(scheme)}`;
    throw violation(side, rule, SECTION, scheme);
  }
  checkStream(environ, 'wsgi.input', INPUT_METHODS, side);
  checkStream(environ, 'wsgi.errors', ERRORS_METHODS, side);
}

function checkStream(environ: Entries, key: string, methods: (string | symbol)[], side: Side) {
  const stream = environ[key];
  for (const method of methods) {
    const value: unknown = Object(stream)[method];
    if (typeof value === 'function') continue;
    const found = `${key} ${show(stream)} lacks the method ${String(method)}`;
    throw violation(side, found, 'Input and Error Streams', stream);
  }
}

// PEP 3333 leaves these to servers; where one gives them, applications rely on their types.
function checkExtensions(environ: Entries, side: Side): void {
  for (const [key, type] of [
    ['wsgi.file_wrapper', 'function'],
    ['wsgi.input_terminated', 'boolean'],
    ['gateway.signal', 'function'],
  ] as const) {
    const value = environ[key];
    if (value === undefined || typeof value === type) continue;
    throw violation(side, `${key} must be a ${type}, not ${show(value)}`, SECTION, value);
  }
}

function checkMethod(environ: Entries, side: Side): void {
  const method = environ['REQUEST_METHOD'];
  if (METHODS.some((known) => known === method)) return;
  warn(side, `the REQUEST_METHOD ${show(method)} is unknown to most applications`, SECTION);
}

function checkQuery(environ: Entries, side: Side): void {
  if (environ['QUERY_STRING'] !== undefined) return;
  warn(side, "QUERY_STRING is missing; give '' when there is no query", SECTION);
}

// With OPTIONS *, SCRIPT_NAME and PATH_INFO are both empty. Neither may be absent then.
function checkPath(environ: Entries, side: Side): void {
  const { SCRIPT_NAME: script, PATH_INFO: path } = environ;
  for (const [key, value] of Object.entries({ SCRIPT_NAME: script, PATH_INFO: path })) {
    if (typeof value === 'string' && value !== '' && !value.startsWith('/')) {
      throw violation(side, `${key} must be '' or start with '/', not ${show(value)}`, SECTION);
    }
  }
  if (script === '/') {
    throw violation(side, "SCRIPT_NAME must not be '/'; make it '' and PATH_INFO '/'", SECTION);
  }
  if (!script && path === undefined) {
    throw violation(side, 'the environ lacks both SCRIPT_NAME and PATH_INFO', SECTION);
  }
}

function checkContentLength(environ: Entries, side: Side): void {
  const length = environ['CONTENT_LENGTH'];
  if (length === undefined || length === '') return;
  if (typeof length === 'string' && /^\d+$/.test(length)) return;
  const rule = `CONTENT_LENGTH must be '' or a decimal number of bytes, not ${show(length)}`;
  throw violation(side, rule, SECTION, length);
}
