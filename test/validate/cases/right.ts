import { bytes, type Case, OK, TEXT } from '../scenario.ts';

const hello = [bytes('hello')];

/** What breaks no rule. */
export const right: Case[] = [
  { name: 'a list of one chunk', scenario: { call: [OK], body: { list: hello } } },
  {
    name: 'a list of several chunks',
    scenario: { call: [OK], body: { list: [bytes('a'), bytes(''), bytes('b')] } },
  },
  { name: 'an empty list', scenario: { call: [OK], body: { list: [] } } },
  { name: 'an empty chunk', scenario: { call: [OK], body: { list: [bytes('')] } } },
  {
    name: 'a generator',
    scenario: {
      call: [OK],
      body: {
        generator: [
          ['yield', bytes('a')],
          ['yield', bytes('b')],
        ],
      },
    },
  },
  {
    name: 'a generator that calls startResponse before its first chunk',
    scenario: { call: [], body: { generator: [OK, ['yield', bytes('a')]] } },
  },
  {
    name: 'a generator that calls startResponse and yields nothing',
    scenario: { call: [], body: { generator: [OK] } },
  },
  {
    name: 'a generator that yields an empty chunk before it calls startResponse',
    scenario: { call: [], body: { generator: [['yield', bytes('')], OK, ['yield', bytes('a')]] } },
    differs: 'validator-empty-chunk-first',
  },
  {
    name: 'a body that is iterated once',
    scenario: { call: [OK], body: { value: { iterator: hello } } },
  },
  {
    name: 'a body with close()',
    scenario: { call: [OK], body: { generator: [['yield', bytes('a')]] }, close: 'method' },
  },
  {
    name: 'a Content-Length that is kept',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['Content-Length', '5'],
          ],
        ],
      ],
      body: { list: [bytes('he'), bytes('llo')] },
    },
  },
  {
    name: 'a Content-Length of 0 with an empty body',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['content-length', '0'],
          ],
        ],
      ],
      body: { list: [] },
    },
  },
  {
    name: 'a Content-Length that write() and the body keep together',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['Content-Length', '5'],
          ],
        ],
        ['write', bytes('he')],
      ],
      body: { list: [bytes('llo')] },
    },
  },
  {
    name: 'a body cut short by the server, which closes it',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['Content-Length', '5'],
          ],
        ],
      ],
      body: { list: [bytes('he'), bytes('llo')] },
      server: ['next', 'leave', 'close'],
    },
  },
  {
    name: 'a body that is closed and never asked for a chunk',
    scenario: { call: [OK], body: { list: hello }, server: ['close'] },
  },
  {
    name: 'a body that is asked once more after its end',
    scenario: { call: [OK], body: { list: hello }, server: ['drain', 'next', 'close'] },
  },
  {
    name: '204 without a body or a Content-Type',
    scenario: { call: [['start', '204 No Content', []]], body: { list: [] } },
  },
  {
    name: '204 with an empty chunk',
    scenario: { call: [['start', '204 No Content', []]], body: { list: [bytes('')] } },
  },
  {
    name: '304 with an ETag alone',
    scenario: { call: [['start', '304 Not Modified', [['ETag', '"a"']]]], body: { list: [] } },
  },
  {
    name: '304 with the Content-Length of what is not sent',
    scenario: {
      call: [['start', '304 Not Modified', [['Content-Length', '5']]]],
      body: { list: [] },
    },
  },
  {
    name: 'HEAD without a body, and the Content-Length that GET has',
    scenario: {
      environ: { REQUEST_METHOD: 'HEAD' },
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['Content-Length', '5'],
          ],
        ],
      ],
      body: { list: [] },
    },
  },
  {
    name: 'HEAD answered as GET is, by a server that stops after the first chunk',
    scenario: {
      environ: { REQUEST_METHOD: 'HEAD' },
      call: [OK],
      body: { list: [bytes(''), bytes('he'), bytes('llo')] },
      server: ['next', 'next', 'leave', 'close'],
    },
  },
  {
    name: 'the lowest status',
    scenario: { call: [['start', '200 OK', TEXT]], body: { list: hello } },
  },
  {
    name: 'the highest status',
    scenario: { call: [['start', '599 Odd', TEXT]], body: { list: hello } },
  },
  {
    name: 'an empty reason',
    scenario: { call: [['start', '200 ', TEXT]], body: { list: hello } },
  },
  {
    name: 'a reason of bytes',
    scenario: { call: [['start', '200 Sch\xc3\xb6n', TEXT]], body: { list: hello } },
  },
  {
    name: 'a header value of bytes',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['X-Name', 'J\xc3\xbcrgen'],
          ],
        ],
      ],
      body: { list: hello },
    },
  },
  {
    name: 'a header value with a tab',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['X-A', 'a\tb'],
          ],
        ],
      ],
      body: { list: hello },
    },
    differs: 'validator-field',
  },
  {
    name: 'an empty header value',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['X-A', ''],
          ],
        ],
      ],
      body: { list: hello },
    },
  },
  {
    name: 'a header name with a dot',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['X.A', 'a'],
          ],
        ],
      ],
      body: { list: hello },
    },
    differs: 'validator-field',
  },
  {
    name: 'a header name that begins with a digit',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['3X', 'a'],
          ],
        ],
      ],
      body: { list: hello },
    },
    differs: 'validator-field',
  },
  {
    name: 'repeated headers',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['CONTENT-TYPE', 'text/plain'],
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
          ],
        ],
      ],
      body: { list: hello },
    },
  },
  {
    name: 'startResponse with excInfo in the first place',
    scenario: { call: [['start', '500 Oops', TEXT, { caught: 'oops' }]], body: { list: hello } },
  },
  {
    name: 'startResponse with a null excInfo',
    scenario: { call: [['start', '200 OK', TEXT, null]], body: { list: hello } },
  },
  {
    name: 'startResponse called again with excInfo',
    scenario: {
      call: [OK, ['start', '500 Oops', TEXT, { caught: 'oops' }]],
      body: { list: hello },
    },
  },
  {
    name: 'startResponse called again with excInfo and another Content-Length',
    scenario: {
      call: [
        [
          'start',
          '200 OK',
          [
            ['Content-Type', 'text/plain'],
            ['Content-Length', '99'],
          ],
        ],
        [
          'start',
          '500 Oops',
          [
            ['Content-Type', 'text/plain'],
            ['Content-Length', '5'],
          ],
          { caught: 'oops' },
        ],
      ],
      body: { list: hello },
    },
  },
  {
    name: 'write() and an empty list',
    scenario: { call: [OK, ['write', bytes('hello')]], body: { list: [] } },
  },
  {
    name: 'write() of nothing with 204',
    scenario: {
      call: [
        ['start', '204 No Content', []],
        ['write', bytes('')],
      ],
      body: { list: [] },
    },
  },
  {
    name: 'reading with a size',
    scenario: {
      environ: { REQUEST_METHOD: 'POST', CONTENT_LENGTH: '5' },
      input: 'hello',
      call: [['input', 'read', 2], ['input', 'read', 3], ['input', 'read', 1], OK],
      body: { list: hello },
    },
  },
  {
    name: 'reading without a size',
    scenario: { input: 'hello', call: [['input', 'read'], OK], body: { list: hello } },
    differs: 'validator-read-all',
  },
  {
    name: 'reading with a negative size',
    scenario: { input: 'hello', call: [['input', 'read', -1], OK], body: { list: hello } },
  },
  {
    name: 'reading line by line',
    scenario: {
      input: 'a\nbc\nd',
      call: [
        ['input', 'readline'],
        ['input', 'readline', 1],
        ['input', 'readline', 10],
        ['input', 'readline'],
        OK,
      ],
      body: { list: hello },
    },
  },
  {
    name: 'reading all lines',
    scenario: {
      input: 'a\nb',
      call: [['input', 'readlines'], ['input', 'readlines', 10], OK],
      body: { list: hello },
    },
  },
  {
    name: 'iterating the input',
    scenario: { input: 'a\n\nb', call: [['iterate input'], OK], body: { list: hello } },
  },
  {
    name: 'reading while the body is being sent',
    scenario: {
      input: 'hello',
      call: [],
      body: { generator: [OK, ['yield', bytes('a')], ['input', 'read', 5], ['yield', bytes('b')]] },
    },
  },
  {
    name: 'all that errors can do',
    scenario: {
      call: [
        ['errors', 'write', 'one €\n'],
        ['errors', 'writelines', ['two\n', 'three\n']],
        ['errors', 'writelines', { iterator: ['four\n'] }],
        ['errors', 'flush'],
        OK,
      ],
      body: { list: hello },
    },
  },
  {
    name: 'errors written after the end',
    scenario: { call: [OK], body: { list: hello }, after: [['errors', 'write', 'late']] },
  },
  {
    name: 'OPTIONS *, with both paths empty',
    scenario: {
      environ: { REQUEST_METHOD: 'OPTIONS', PATH_INFO: '' },
      call: [OK],
      body: { list: hello },
    },
  },
  {
    name: 'a mounted application, asked for its root',
    scenario: { environ: { SCRIPT_NAME: '/gw', PATH_INFO: '' }, call: [OK], body: { list: hello } },
  },
  {
    name: 'a mounted application, without PATH_INFO',
    scenario: {
      environ: { SCRIPT_NAME: '/gw' },
      without: ['PATH_INFO'],
      call: [OK],
      body: { list: hello },
    },
    differs: 'validator-paths',
  },
  {
    name: 'no SCRIPT_NAME',
    scenario: { without: ['SCRIPT_NAME'], call: [OK], body: { list: hello } },
    differs: 'validator-paths',
  },
  {
    name: 'https',
    scenario: {
      environ: { 'wsgi.url_scheme': 'https', SERVER_PORT: '443' },
      call: [OK],
      body: { list: hello },
    },
  },
  {
    name: 'an empty CONTENT_TYPE and CONTENT_LENGTH',
    scenario: {
      environ: { CONTENT_TYPE: '', CONTENT_LENGTH: '' },
      call: [OK],
      body: { list: hello },
    },
  },
  {
    name: 'bytes in PATH_INFO',
    scenario: { environ: { PATH_INFO: '/caf\xc3\xa9\0' }, call: [OK], body: { list: hello } },
  },
  {
    name: 'an extension of any type',
    scenario: { environ: { 'my.extension': { object: true } }, call: [OK], body: { list: hello } },
  },
];
