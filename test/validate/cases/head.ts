import { bytes, type Case, type Differs, OK, type Step, TEXT, type Value } from '../scenario.ts';

const start = 'The start_response() Callable';

const calling = (
  name: string,
  call: Step[],
  wrong: string,
  differs?: Differs,
  section = start,
): Case => ({
  name,
  scenario: { call, body: { list: [bytes('hello')] } },
  wrong: `application: ${wrong}`,
  section,
  ...(differs === undefined ? {} : { differs }),
});

const status = (
  name: string,
  value: Value,
  wrong: string,
  differs?: Differs,
  section?: string,
): Case => calling(name, [['start', value, TEXT]], wrong, differs, section);

const header = (
  name: string,
  value: Value,
  wrong: string,
  differs?: Differs,
  section?: string,
): Case =>
  calling(
    name,
    [['start', '200 OK', [['Content-Type', 'text/plain'], value]]],
    wrong,
    differs,
    section,
  );

/** What an application can do wrong when it calls startResponse. */
export const head: Case[] = [
  calling(
    'startResponse without arguments',
    [['start']],
    'startResponse() takes 2 to 3 arguments, not 0',
  ),
  calling(
    'startResponse with one argument',
    [['start', '200 OK']],
    'startResponse() takes 2 to 3 arguments, not 1',
  ),
  calling(
    'startResponse with four arguments',
    [['start', '200 OK', TEXT, null, null]],
    'startResponse() takes 2 to 3 arguments, not 4',
  ),
  status('a status that is a number', 200, 'the status must be a string, not 200'),
  status('a status that is bytes', bytes('200 OK'), 'the status must be a string, not <Buffer'),
  status('a status that is null', null, 'the status must be a string, not null'),
  status(
    'an empty status',
    '',
    "the status must be three digits, a space and a reason, as in '200 OK', not ''",
  ),
  status(
    'a status without a code',
    'OK',
    "the status must be three digits, a space and a reason, as in '200 OK', not 'OK'",
  ),
  status('a code with a letter', '20X OK', 'the status must be three digits, a space and a reason'),
  status('a code of two digits', '20 OK', 'the status must be three digits, a space and a reason'),
  status(
    'a code of four digits',
    '2000 OK',
    'the status must be three digits, a space and a reason',
  ),
  status('a code below 100', '099 Low', "the status code must be from 200 to 599: '099 Low'"),
  status(
    'a code above 599',
    '600 High',
    "the status code must be from 200 to 599: '600 High'",
    'validator-status',
  ),
  status(
    'an informational code',
    '103 Early Hints',
    'the status code must be from 200 to 599',
    'validator-status',
  ),
  status(
    'a code alone',
    '200',
    'the status must be three digits, a space and a reason',
    'validator-status',
  ),
  status('a code and a dash', '200-OK', 'the status must be three digits, a space and a reason'),
  status(
    'a code without a space',
    '200OK',
    'the status must be three digits, a space and a reason',
  ),
  status(
    'a status with a space in front',
    ' 200 OK',
    'the status must be three digits',
    'validator-status',
  ),
  status(
    'a status with a line break',
    '200 OK\r\nX: y',
    "the status must hold no control character: '200 OK\\r\\nX: y'",
    'validator-status',
  ),
  status(
    'a status with a NUL',
    '200 O\0K',
    "the status must hold no control character: '200 O\\x00K'",
    'validator-status',
  ),
  status(
    'a status with a tab',
    '200 O\tK',
    "the status must hold no control character: '200 O\\tK'",
    'validator-status',
  ),
  status(
    'a status with a DEL',
    '200 O\x7fK',
    "the status must hold no control character: '200 O\\x7FK'",
    'validator-status',
  ),
  status(
    'a status above U+00FF',
    '200 日',
    "the status holds U+65E5, which is no single byte, at index 4: '200 日'",
    'validator-native-strings',
    'Unicode Issues',
  ),
  calling(
    'headers that are null',
    [['start', '200 OK', null]],
    'the headers must be an array of [name, value] pairs, not null',
  ),
  calling(
    'headers that are an object',
    [['start', '200 OK', { object: true }]],
    'the headers must be an array of [name, value] pairs, not {}',
  ),
  calling(
    'headers that are a string',
    [['start', '200 OK', 'Content-Type: text/plain']],
    'the headers must be an array',
  ),
  calling(
    'headers that are an iterator',
    [['start', '200 OK', { iterator: [['Content-Type', 'text/plain']] }]],
    'the headers must be an array of [name, value] pairs, not Object [Array Iterator]',
  ),
  header(
    'a header that is a string',
    'X-A: a',
    "a header must be an array of a name and a value, not 'X-A: a'",
  ),
  header(
    'a header that is null',
    null,
    'a header must be an array of a name and a value, not null',
  ),
  header(
    'a header of one',
    ['X-A'],
    "a header must be an array of a name and a value, not [ 'X-A' ]",
  ),
  header(
    'a header of three',
    ['X-A', 'a', 'b'],
    'a header must be an array of a name and a value, not [',
  ),
  header('a name that is a number', [5, 'a'], 'a header name must be a string, not 5'),
  header(
    'a name that is bytes',
    [bytes('X-A'), 'a'],
    'a header name must be a string, not <Buffer',
  ),
  header(
    'a value that is a number',
    ['Content-Length', 5],
    "the value of the header 'Content-Length' must be a string, not 5",
  ),
  header(
    'a value that is bytes',
    ['X-A', bytes('a')],
    "the value of the header 'X-A' must be a string, not <Buffer",
  ),
  header(
    'a value that is null',
    ['X-A', null],
    "the value of the header 'X-A' must be a string, not null",
  ),
  header('an empty name', ['', 'a'], "The header name '' is not a token"),
  header('a name with a colon', ['X:A', 'a'], "The header name 'X:A' is not a token"),
  header('a name that ends with a colon', ['X-A:', 'a'], "The header name 'X-A:' is not a token"),
  header('a name with a space', ['X A', 'a'], "The header name 'X A' is not a token"),
  header(
    'a name with a line break',
    ['X-A\r\nX-B', 'a'],
    "The header name 'X-A\\r\\nX-B' is not a token",
  ),
  header(
    'a name that ends in a line break',
    ['X_A\n', 'a'],
    "The header name 'X_A\\n' is not a token",
  ),
  header('a name of bytes', ['X-\xe4', 'a'], "The header name 'X-ä' is not a token"),
  header(
    'a name above U+00FF',
    ['X-€', 'a'],
    "a header name holds U+20AC, which is no single byte, at index 2: 'X-€'",
    undefined,
    'Unicode Issues',
  ),
  header(
    'a name that ends with a dash',
    ['X-A-', 'a'],
    "the header name 'X-A-' must not end in punctuation",
  ),
  header(
    'a name that ends with an underscore',
    ['X-A_', 'a'],
    "the header name 'X-A_' must not end in punctuation",
  ),
  header(
    'a name that ends with a dot',
    ['X-A.', 'a'],
    "the header name 'X-A.' must not end in punctuation",
  ),
  header('the header Status', ['Status', '200 OK'], "the header 'Status' ('200 OK') is CGI's"),
  header('the header status', ['status', '404'], "the header 'status' ('404') is CGI's"),
  header(
    'a value with a line break',
    ['X-A', 'a\r\nSet-Cookie: b'],
    "The value of the header 'X-A' holds the control character U+000D",
  ),
  header(
    'a value that ends in a line break',
    ['X-A', 'a\n'],
    "The value of the header 'X-A' holds the control character U+000A",
  ),
  header(
    'a value with a NUL',
    ['X-A', 'a\0'],
    "The value of the header 'X-A' holds the control character U+0000",
  ),
  header(
    'a value with an escape',
    ['X-A', '\x1b[31m'],
    "The value of the header 'X-A' holds the control character U+001B",
  ),
  header(
    'a value with a DEL',
    ['X-A', 'a\x7f'],
    "The value of the header 'X-A' holds the control character U+007F",
    'validator-field',
  ),
  header(
    'a value above U+00FF',
    ['X-A', 'a€'],
    "the value of the header 'X-A' holds U+20AC, which is no single byte, at index 1: 'a€'",
    'validator-native-strings',
    'Unicode Issues',
  ),
  ...[
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'TE',
    'Trailer',
    'transfer-encoding',
    'Upgrade',
  ].map((name) =>
    header(
      `the hop-by-hop header ${name}`,
      [name, 'a'],
      `the header '${name}' ('a') is hop-by-hop`,
      'validator-hop-by-hop',
      'Other HTTP Features',
    ),
  ),
  calling('no Content-Type', [['start', '200 OK', []]], 'Content-Type is missing from []'),
  calling(
    'no Content-Type among others',
    [['start', '404 Not Found', [['X-A', 'a']]]],
    "Content-Type is missing from [ [ 'X-A', 'a' ] ]",
  ),
  calling(
    'a Content-Type with 204',
    [['start', '204 No Content', TEXT]],
    "a 204 response has no body and no Content-Type, but has 'text/plain'",
  ),
  calling(
    'a Content-Type with 304',
    [['start', '304 Not Modified', TEXT]],
    "a 304 response has no body and no Content-Type, but has 'text/plain'",
  ),
  header(
    'a Content-Length that is no number',
    ['Content-Length', 'five'],
    "Content-Length must be one decimal number of bytes, not 'five'",
    'validator-content-length',
    'Handling the Content-Length Header',
  ),
  header(
    'a negative Content-Length',
    ['Content-Length', '-5'],
    "Content-Length must be one decimal number of bytes, not '-5'",
    'validator-content-length',
    'Handling the Content-Length Header',
  ),
  calling(
    'two Content-Lengths',
    [
      [
        'start',
        '200 OK',
        [
          ['Content-Type', 'text/plain'],
          ['Content-Length', '5'],
          ['content-length', '6'],
        ],
      ],
    ],
    "Content-Length must be one decimal number of bytes, not '5' and '6'",
    'validator-content-length',
    'Handling the Content-Length Header',
  ),
  {
    name: 'an excInfo that is no error',
    scenario: { call: [['start', '500 Oops', TEXT, 'oops']], body: { list: [] } },
    warns: "application: excInfo should be the Error that was caught, not 'oops'",
    section: 'Error Handling',
    differs: 'validator-exc-info',
  },
  calling(
    'startResponse called twice',
    [OK, ['start', '500 Oops', TEXT]],
    'startResponse() was called twice; the second call needs excInfo',
    'validator-start-response',
  ),
  calling(
    'startResponse called twice with a null excInfo',
    [OK, ['start', '500 Oops', TEXT, null]],
    'startResponse() was called twice; the second call needs excInfo',
    'validator-start-response',
  ),
  calling(
    'startResponse called again after a call that failed',
    [['try', ['start', 'bad', TEXT]], OK],
    'startResponse() was called twice; the second call needs excInfo',
    'validator-start-response',
  ),
  {
    name: 'startResponse called after the end',
    scenario: {
      call: [OK],
      body: { list: [] },
      after: [['start', '500 Oops', TEXT, { caught: 'late' }]],
    },
    wrong: 'application: startResponse() was called after the response had ended',
    section: start,
    differs: 'validator-order',
  },
];
