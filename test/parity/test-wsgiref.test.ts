/**
 * The behaviours of CPython's test/test_wsgiref.py, by the names of its tests: HandlerTests, and that none is missing.
 *
 * Where a row of the differences is named, CPython's own test shows its side of it, and the test here ours.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Application,
  BaseCGIHandler,
  BaseHandler,
  BodyInput,
  type Environ,
  emptySource,
  FileWrapper,
  SimpleHandler,
  setupTestingDefaults,
  TextErrors,
} from '@wsgi/core';
import { describe, expect, it } from 'vitest';
import { Python, whyNoPython } from './python.ts';

const ERROR_PAGE = 'A server error occurred.  Please contact the administrator.';

/** A handler with a place for what it writes. */
function stage(variables: object = {}, { origin = false } = {}) {
  const environ: Partial<Environ> = { ...variables };
  setupTestingDefaults(environ);
  const seen = { stdout: '', stderr: '' };
  const stdout = {
    write: (data: Uint8Array) => {
      seen.stdout += Buffer.from(data).toString('latin1');
    },
  };
  const stderr = new TextErrors((text) => {
    seen.stderr += text;
  });
  const handler = new BaseCGIHandler(
    new BodyInput(emptySource),
    stdout,
    stderr,
    environ,
    true,
    true,
  );
  handler.originServer = origin;
  return { handler, seen };
}

function outputOf(app: Application, variables: object = {}): string {
  const { handler, seen } = stage(variables);
  handler.run(app);
  expect(seen.stderr).toBe('');
  return seen.stdout;
}

const empty: Application = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return [];
};
const failing: Application = () => {
  throw new Error('This should be caught by handler');
};

describe('HandlerTests', () => {
  it("testEnviron: osEnviron, then what is given, then the handler's own", () => {
    const { handler } = stage({ X: 'Y', HOME: '/override/home' });
    handler.osEnviron = {
      HOME: '/my/home',
      PATH: '/my/path',
      LANG: 'fr_FR.UTF-8',
      SCRIPT_NAME: 'test_script_name',
      SERVER_NAME: 'test_server_name',
    };
    handler.setupEnviron();
    const expected: Partial<Environ> = {};
    setupTestingDefaults(expected);
    expect(handler.environ).toMatchObject({
      ...expected,
      X: 'Y',
      HOME: '/override/home',
      PATH: '/my/path',
      LANG: 'fr_FR.UTF-8',
      SCRIPT_NAME: '',
      SERVER_NAME: '127.0.0.1',
      'wsgi.input': handler.getStdin(),
      'wsgi.errors': handler.getStderr(),
      'wsgi.version': handler.wsgiVersion,
      'wsgi.run_once': handler.wsgiRunOnce,
      'wsgi.url_scheme': 'http',
      'wsgi.multithread': handler.wsgiMultithread,
      'wsgi.multiprocess': handler.wsgiMultiprocess,
      'wsgi.file_wrapper': FileWrapper,
      'gateway.signal': expect.any(Function),
    });
    expect([handler.wsgiMultithread, handler.wsgiMultiprocess]).toEqual([true, true]);
  });

  it('testCGIEnviron: the keys that every environ has', () => {
    const { handler } = stage();
    handler.setupEnviron();
    expect(Object.keys(handler.environ)).toEqual(
      expect.arrayContaining(['wsgi.url_scheme', 'wsgi.input', 'wsgi.errors']),
    );
  });

  it.each([
    ['https', { HTTPS: 'on' }],
    ['http', {}],
  ])('testScheme: %s with %j', (scheme, variables) => {
    const { handler } = stage(variables);
    handler.setupEnviron();
    expect(handler.environ['wsgi.url_scheme']).toBe(scheme);
  });

  it('testAbstractMethods: handler-abstract differs', () => {
    // @ts-expect-error the compiler does not let an abstract class be made.
    const handler: BaseHandler = new BaseHandler();
    for (const name of ['_write', '_flush', 'getStdin', 'getStderr', 'addCgiVars'] as const) {
      expect(handler[name]).toBeUndefined();
    }
  });

  it('testContentLength: counted where it can be', () => {
    const scheme = (environ: Environ) => Buffer.from(environ['wsgi.url_scheme']);
    const returned: Application = (environ, startResponse) => {
      startResponse('200 OK', []);
      return [scheme(environ)];
    };
    const written: Application = (environ, startResponse) => {
      startResponse('200 OK', [])(scheme(environ));
      return [];
    };
    const wide: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.from('тест')];
    };
    const stated: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '12345']]);
      return [];
    };
    expect(outputOf(returned)).toBe('Status: 200 OK\r\nContent-Length: 4\r\n\r\nhttp');
    expect(outputOf(written)).toBe('Status: 200 OK\r\n\r\nhttp');
    expect(outputOf(wide)).toBe(
      'Status: 200 OK\r\nContent-Length: 8\r\n\r\n\xd1\x82\xd0\xb5\xd1\x81\xd1\x82',
    );
    // There it simulates HEAD; here a GET as short as that is reported (handler-content-length).
    expect(outputOf(stated, { REQUEST_METHOD: 'HEAD' })).toBe(
      'Status: 200 OK\r\nContent-Length: 12345\r\n\r\n',
    );
  });

  it('testBasicErrorOutput: the error page, and the error in the log', () => {
    expect(outputOf(empty)).toBe('Status: 200 OK\r\nContent-Length: 0\r\n\r\n');
    const { handler, seen } = stage();
    handler.run(failing);
    expect(seen.stdout).toBe(
      `Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: ${ERROR_PAGE.length}\r\n\r\n${ERROR_PAGE}`,
    );
    expect(seen.stderr).toContain('Error: This should be caught by handler');
  });

  it('testErrorAfterOutput: what is sent stays, and the error goes to the log', () => {
    const { handler, seen } = stage();
    handler.run((environ, startResponse) => {
      startResponse('200 OK', [])(Buffer.from('Some output has been sent'));
      return failing(environ, startResponse);
    });
    expect(seen.stdout).toBe('Status: 200 OK\r\n\r\nSome output has been sent');
    expect(seen.stderr).toContain('Error: This should be caught by handler');
  });

  it('testHeaderFormats: with Status, as HTTP, or with no header at all', () => {
    for (const software of ['FooBar/1.0', undefined]) {
      for (const version of ['1.0', '1.1']) {
        for (const protocol of ['HTTP/0.9', 'HTTP/1.0', 'HTTP/1.1']) {
          for (const origin of [false, true]) {
            const { handler, seen } = stage({ SERVER_PROTOCOL: protocol }, { origin });
            handler.httpVersion = version;
            handler.serverSoftware = software;
            handler.run(empty);
            const server = software === undefined ? '' : `Server: ${software}\\r\\n`;
            const asHttp = `HTTP/${version} 200 OK\\r\\nDate: \\w{3}, [ 0123]\\d \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT\\r\\n${server}Content-Length: 0\\r\\n\\r\\n`;
            const wanted = origin ? asHttp : 'Status: 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n';
            const nothing = origin && protocol === 'HTTP/0.9';
            expect(seen.stdout).toMatch(nothing ? /^$/ : new RegExp(`^${wanted}$`));
          }
        }
      }
    }
  });

  it('testBytesData: bytes as they are', () => {
    const app: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
      return [Buffer.from('data')];
    };
    expect(outputOf(app)).toBe(
      'Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\ndata',
    );
  });

  it('testCloseOnError: the body is closed', () => {
    let closed = 0;
    const { handler } = stage();
    handler.run((_environ, startResponse) => {
      startResponse('200 OK', [])(Buffer.from('Some output has been sent'));
      return {
        *[Symbol.iterator]() {
          yield Buffer.from('blah');
          throw new Error('This should be caught by handler');
        },
        close: () => {
          closed += 1;
        },
      };
    });
    expect(closed).toBe(1);
  });

  it('testPartialWrite: handler-partial-write differs', () => {
    let written = '';
    const stdout = {
      write: (data: Uint8Array) => {
        written += Buffer.from(data.subarray(0, 7)).toString();
        return 7;
      },
    };
    const environ = { SERVER_PROTOCOL: 'HTTP/1.0' };
    const handler = new SimpleHandler(
      new BodyInput(emptySource),
      stdout,
      new TextErrors(() => {}),
      environ,
    );
    handler.run((_environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.from('Hello, world!')];
    });
    expect(written).toMatch(/Hello, $/);
  });

  it.each(['ECONNABORTED', 'EPIPE', 'ECONNRESET'])(
    'testClientConnectionTerminations: %s is no error',
    (code) => {
      let closed = 0;
      let stderr = '';
      const stdout = {
        write: () => {
          throw Object.assign(new Error('gone'), { code });
        },
      };
      const errors = new TextErrors((text) => {
        stderr += text;
      });
      const environ = { SERVER_PROTOCOL: 'HTTP/1.0' };
      const handler = new SimpleHandler(new BodyInput(emptySource), stdout, errors, environ);
      handler.run((_environ, startResponse) => {
        startResponse('200 OK', []);
        return Object.assign([Buffer.from('Hello, world!')], {
          close: () => {
            closed += 1;
          },
        });
      });
      expect([stderr, closed, handler.clientGone]).toEqual(['', 1, true]);
    },
  );

  it('testDontResetInternalStateOnException: handler-state differs', () => {
    let stderr = '';
    const stdout = {
      write: () => {
        throw new RangeError('of the transport');
      },
    };
    const errors = new TextErrors((text) => {
      stderr += text;
    });
    const environ = { SERVER_PROTOCOL: 'HTTP/1.0' };
    const handler = new SimpleHandler(new BodyInput(emptySource), stdout, errors, environ);
    handler.run((_environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.from('Hello, world!')];
    });
    expect(stderr).toContain('RangeError: of the transport');
    expect([handler.result, handler.headers, handler.status]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(handler.environ).toMatchObject(environ);
  });
});

describe.skipIf(whyNoPython !== undefined)(`test_wsgiref.py ${whyNoPython ?? ''}`, () => {
  it.each([
    ['handler-error-after-head', { late: true }, { raised: false, ended: false }],
    ['handler-second-error', { late: false }, { raised: true, ended: false }],
  ])('tests nothing of what differs: %s', async (_row, scenario, there) => {
    const python = Python.start();
    expect(await python.ask('fail', [scenario])).toEqual([{ value: there }]);
    await python.close();
    let ended = false;
    const stdout = {
      write: () => {},
      destroy: () => {
        ended = true;
      },
    };
    const errors = new TextErrors(() => {});
    const environ = { SERVER_PROTOCOL: 'HTTP/1.0' };
    const handler = new SimpleHandler(new BodyInput(emptySource), stdout, errors, environ);
    handler.errorOutput = () => {
      throw new Error('of the page');
    };
    // It returns, and nothing is thrown.
    handler.run((environ, startResponse) => {
      if (scenario.late) startResponse('200 OK', [])(Buffer.from('begun'));
      return failing(environ, startResponse);
    });
    expect(ended).toBe(true);
  });

  it('has no test that has no counterpart here', async () => {
    const python = Python.start();
    const [names] = await python.ask('tests_of_wsgiref', [null]);
    await python.close();
    const here = readdirSync(import.meta.dirname)
      .filter((name) => name.startsWith('test-wsgiref'))
      .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
      .join('\n');
    const theirs = names !== undefined && 'value' in names ? (names.value as string[]) : [];
    if (theirs.length === 0) console.warn("CPython's test_wsgiref.py is not installed");
    // It was about a deprecation that is over.
    const gone = ['test_filewrapper_getitem_deprecation'];
    const missing = theirs.filter(
      (name) => !gone.includes(name) && !new RegExp(`'${name}\\b|"${name}\\b`).test(here),
    );
    console.log(
      `parity of test_wsgiref.py: ${theirs.length} tests, ${missing.length} without counterpart`,
    );
    expect(missing).toEqual([]);
  });
});
