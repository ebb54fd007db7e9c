import { bytes, type Case, type Differs, OK, type Scenario, type Value } from '../scenario.ts';

const details = 'Specification Details';
const length = 'Handling the Content-Length Header';
const writing = 'The write() Callable';
const streams = 'Input and Error Streams';

const returning = (name: string, value: Value, wrong: string): Case => ({
  name,
  scenario: { call: [OK], body: { value } },
  wrong: `application: ${wrong}`,
  section: details,
});

const wrong = (
  name: string,
  scenario: Scenario,
  message: string,
  section: string,
  differs?: Differs,
): Case => ({
  name,
  scenario,
  wrong: `application: ${message}`,
  section,
  ...(differs === undefined ? {} : { differs }),
});

const five: Value = [
  ['Content-Type', 'text/plain'],
  ['Content-Length', '5'],
];

/** What an application can do wrong with its body, and with the streams. */
export const body: Case[] = [
  returning(
    'a returned string',
    'hello',
    "the body must be an iterable of Uint8Arrays, not 'hello' itself; return it in an array",
  ),
  returning(
    'returned bytes',
    bytes('hello'),
    'the body must be an iterable of Uint8Arrays, not <Buffer 68 65 6c 6c 6f> itself',
  ),
  returning('an empty string', '', "the body must be an iterable of Uint8Arrays, not '' itself"),
  returning(
    'null',
    null,
    'the application must return an iterable, if only an empty array, not null',
  ),
  returning(
    'false',
    false,
    'the application must return an iterable, if only an empty array, not false',
  ),
  returning(
    'a number',
    5,
    'the application must return an iterable, if only an empty array, not 5',
  ),
  returning(
    'an object',
    { object: true },
    'the application must return an iterable, if only an empty array, not {}',
  ),
  wrong(
    'a chunk that is text',
    { call: [OK], body: { list: ['hello'] } },
    "a chunk of the body must be a Uint8Array, not 'hello'",
    details,
  ),
  wrong(
    'a later chunk that is text',
    { call: [OK], body: { list: [bytes('a'), 'b'] } },
    "a chunk of the body must be a Uint8Array, not 'b'",
    details,
  ),
  wrong(
    'a chunk that is null',
    { call: [OK], body: { list: [null] } },
    'a chunk of the body must be a Uint8Array, not null',
    details,
  ),
  wrong(
    'a chunk that is a number',
    { call: [OK], body: { list: [104] } },
    'a chunk of the body must be a Uint8Array, not 104',
    details,
  ),
  wrong(
    'a chunk that is a list',
    { call: [OK], body: { list: [[bytes('a')]] } },
    'a chunk of the body must be a Uint8Array, not [',
    details,
  ),
  wrong(
    'text from a generator',
    { call: [OK], body: { generator: [['yield', 'hello']] } },
    "a chunk of the body must be a Uint8Array, not 'hello'",
    details,
  ),
  wrong(
    'a close that is no method',
    { call: [OK], body: { list: [] }, close: { value: 'close' } },
    "the body's close must be a method, not 'close'",
    details,
  ),
  wrong(
    'a list without startResponse',
    { call: [], body: { list: [bytes('hello')] } },
    'the body yielded <Buffer 68 65 6c 6c 6f> before startResponse() was called',
    'The start_response() Callable',
  ),
  wrong(
    'an empty list without startResponse',
    { call: [], body: { list: [] } },
    'the body ended, and startResponse() was never called',
    'The start_response() Callable',
    'validator-start-response',
  ),
  wrong(
    'a generator that calls startResponse after its first chunk',
    { call: [], body: { generator: [['yield', bytes('a')], OK] } },
    'the body yielded <Buffer 61> before startResponse() was called',
    'The start_response() Callable',
  ),
  wrong(
    'a generator that never calls startResponse',
    { call: [], body: { generator: [['yield', bytes('')]] } },
    'the body ended, and startResponse() was never called',
    'The start_response() Callable',
  ),
  wrong(
    'a call of startResponse that failed, and no other',
    { call: [['try', ['start', '200 OK', []]]], body: { list: [] } },
    'the body ended, and startResponse() was never called',
    'The start_response() Callable',
    'validator-start-response',
  ),
  wrong(
    'a body shorter than its Content-Length',
    { call: [['start', '200 OK', five]], body: { list: [bytes('hell')] } },
    'the body ended after 4 bytes, its Content-Length is 5',
    length,
    'validator-content-length',
  ),
  wrong(
    'no body, and a Content-Length',
    { call: [['start', '200 OK', five]], body: { list: [] } },
    'the body ended after 0 bytes, its Content-Length is 5',
    length,
    'validator-content-length',
  ),
  wrong(
    'a body longer than its Content-Length',
    { call: [['start', '200 OK', five]], body: { list: [bytes('hello'), bytes('!')] } },
    'the body has grown to 6 bytes, its Content-Length is 5',
    length,
    'validator-content-length',
  ),
  wrong(
    'write() and a body longer than the Content-Length',
    {
      call: [
        ['start', '200 OK', five],
        ['write', bytes('hello')],
      ],
      body: { list: [bytes('hello')] },
    },
    'the body has grown to 10 bytes, its Content-Length is 5',
    length,
    'validator-content-length',
  ),
  wrong(
    'write() longer than the Content-Length',
    {
      call: [
        ['start', '200 OK', five],
        ['write', bytes('hello!')],
      ],
      body: { list: [] },
    },
    'the body has grown to 6 bytes, its Content-Length is 5',
    length,
    'validator-content-length',
  ),
  wrong(
    'a body with 204',
    { call: [['start', '204 No Content', []]], body: { list: [bytes('hello')] } },
    'a 204 response has no body, but got <Buffer',
    'Other HTTP Features',
    'validator-bodyless',
  ),
  wrong(
    'a body with 304',
    { call: [['start', '304 Not Modified', []]], body: { list: [bytes('hello')] } },
    'a 304 response has no body, but got <Buffer',
    'Other HTTP Features',
    'validator-bodyless',
  ),
  wrong(
    'write() with 304',
    {
      call: [
        ['start', '304 Not Modified', []],
        ['write', bytes('hello')],
      ],
      body: { list: [] },
    },
    'a 304 response has no body, but got <Buffer',
    'Other HTTP Features',
    'validator-bodyless',
  ),
  wrong(
    'write() of text',
    { call: [OK, ['write', 'hello']], body: { list: [] } },
    "write() takes a Uint8Array, not 'hello'",
    writing,
  ),
  wrong(
    'write() of null',
    { call: [OK, ['write', null]], body: { list: [] } },
    'write() takes a Uint8Array, not null',
    writing,
  ),
  wrong(
    'write() without arguments',
    { call: [OK, ['write']], body: { list: [] } },
    'write() takes 1 argument, not 0',
    writing,
  ),
  wrong(
    'write() with two arguments',
    { call: [OK, ['write', bytes('a'), bytes('b')]], body: { list: [] } },
    'write() takes 1 argument, not 2',
    writing,
  ),
  wrong(
    'write() from within the body',
    {
      call: [OK],
      body: {
        generator: [
          ['yield', bytes('a')],
          ['write', bytes('b')],
        ],
      },
    },
    'write() was called while the returned body was being read; yield the bytes',
    writing,
    'validator-order',
  ),
  wrong(
    'write() after the end',
    { call: [OK], body: { list: [] }, after: [['write', bytes('late')]] },
    'write() was called after the response had ended',
    writing,
    'validator-order',
  ),
  wrong(
    'read() with two sizes',
    { call: [['input', 'read', 1, 2], OK], body: { list: [] } },
    'input.read() takes 0 to 1 argument, not 2',
    streams,
  ),
  wrong(
    'readline() with two sizes',
    { call: [['input', 'readline', 1, 2], OK], body: { list: [] } },
    'input.readline() takes 0 to 1 argument, not 2',
    streams,
  ),
  wrong(
    'readlines() with two hints',
    { call: [['input', 'readlines', 1, 2], OK], body: { list: [] } },
    'input.readlines() takes 0 to 1 argument, not 2',
    streams,
  ),
  wrong(
    'read() of a string',
    { call: [['input', 'read', '5'], OK], body: { list: [] } },
    "input.read() takes a whole number of bytes, not '5'",
    streams,
  ),
  wrong(
    'read() of half a byte',
    { call: [['input', 'read', 0.5], OK], body: { list: [] } },
    'input.read() takes a whole number of bytes, not 0.5',
    streams,
  ),
  wrong(
    'input.close()',
    { call: [['input', 'close'], OK], body: { list: [] } },
    'input.close() must not be called',
    streams,
  ),
  wrong(
    'reading after the end',
    { input: 'hello', call: [OK], body: { list: [] }, after: [['input', 'read', 5]] },
    'wsgi.input was read (input.read()) after the response had ended',
    streams,
    'validator-order',
  ),
  wrong(
    'reading a line after the end',
    { input: 'hello', call: [OK], body: { list: [] }, after: [['input', 'readline']] },
    'wsgi.input was read (input.readline()) after the response had ended',
    streams,
    'validator-order',
  ),
  wrong(
    'iterating the input after the end',
    { input: 'hello', call: [OK], body: { list: [] }, after: [['iterate input']] },
    'wsgi.input was read (iterated) after the response had ended',
    streams,
    'validator-order',
  ),
  wrong(
    'errors.write() of bytes',
    { call: [['errors', 'write', bytes('a')], OK], body: { list: [] } },
    'errors.write() takes a string, not <Buffer 61>',
    streams,
  ),
  wrong(
    'errors.write() of null',
    { call: [['errors', 'write', null], OK], body: { list: [] } },
    'errors.write() takes a string, not null',
    streams,
  ),
  wrong(
    'errors.write() without arguments',
    { call: [['errors', 'write'], OK], body: { list: [] } },
    'errors.write() takes 1 argument, not 0',
    streams,
  ),
  wrong(
    'errors.write() with two arguments',
    { call: [['errors', 'write', 'a', 'b'], OK], body: { list: [] } },
    'errors.write() takes 1 argument, not 2',
    streams,
  ),
  wrong(
    'errors.writelines() of bytes',
    { call: [['errors', 'writelines', [bytes('a')]], OK], body: { list: [] } },
    'errors.writelines() takes strings, not <Buffer 61>',
    streams,
  ),
  wrong(
    'errors.writelines() of a string',
    { call: [['errors', 'writelines', 'a'], OK], body: { list: [] } },
    "errors.writelines() takes an iterable of strings, not 'a'",
    streams,
    'validator-writelines',
  ),
  wrong(
    'errors.writelines() of null',
    { call: [['errors', 'writelines', null], OK], body: { list: [] } },
    'errors.writelines() takes an iterable of strings, not null',
    streams,
  ),
  wrong(
    'errors.flush() with an argument',
    { call: [['errors', 'flush', 1], OK], body: { list: [] } },
    'errors.flush() takes 0 arguments, not 1',
    streams,
  ),
  wrong(
    'errors.close()',
    { call: [['errors', 'close'], OK], body: { list: [] } },
    'errors.close() must not be called',
    streams,
  ),
  {
    name: 'a middleware that collects the body',
    scenario: { call: [OK], body: { list: [bytes('a'), bytes('b')] }, middleware: 'collects' },
    wrong: 'middleware: the application yielded two chunks before the middleware yielded one',
    section: 'Middleware Handling of Block Boundaries',
    differs: 'validator-blocks',
  },
  {
    name: 'a middleware that collects a body of one chunk',
    scenario: { call: [OK], body: { list: [bytes('a')] }, middleware: 'collects' },
  },
];
