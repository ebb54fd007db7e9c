/** The behaviours of CPython's test/test_wsgiref.py, by the names of its tests: IntegrationTests. */
import { connect } from 'node:net';
import { type Application, TextErrors } from '@wsgi/core';
import { validator } from '@wsgi/core/validate';
import { makeServer, softwareVersion } from '@wsgi/simple-server';
import { describe, expect, it } from 'vitest';

const ERROR_PAGE = 'A server error occurred.  Please contact the administrator.';
const DATE = 'Mon, 05 Jun 2006 18:49:54 GMT';

/** What comes back for a request, and what is logged. */
async function serve(app: Application, request = 'GET / HTTP/1.0\r\n\r\n') {
  const seen = { out: '', errors: '', log: [] as string[] };
  const errors = new TextErrors((text) => {
    seen.errors += text;
  });
  const server = await makeServer('127.0.0.1', 0, app, {
    errors,
    log: (line) => seen.log.push(line),
  });
  const socket = connect(server.port ?? 0, '127.0.0.1').setEncoding('latin1');
  socket.on('error', () => {});
  socket.write(request, 'latin1');
  for await (const chunk of socket) seen.out += chunk;
  await server.shutdown();
  return seen;
}

const hello: Application = (_environ, startResponse) => {
  startResponse('200 OK', [
    ['Content-Type', 'text/plain'],
    ['Date', DATE],
  ]);
  return [Buffer.from('Hello, world!')];
};

/** The response to `hello`; HTTP/1.1 in the status line, and the connection's end, are server-protocol's. */
function helloResponse(length = 'Content-Length: 13\r\n'): string {
  return `HTTP/1.1 200 OK\r\nServer: ${softwareVersion}\r\nContent-Type: text/plain\r\nDate: ${DATE}\r\n${length}Connection: close\r\n\r\nHello, world!`;
}

/** The same fields, whatever their order. */
function sorted(response: string): string[] {
  const [head = '', body = ''] = response.split('\r\n\r\n');
  return [...head.split('\r\n').sort(), body];
}

describe('IntegrationTests', () => {
  it('test_plain_hello: the response byte for byte', async () => {
    const { out } = await serve(hello);
    expect(sorted(out)).toEqual(sorted(helloResponse()));
  });

  it('test_plain_hello: server-protocol and server-line-ends differ', async () => {
    expect((await serve(hello)).out).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect((await serve(hello, 'GET / HTTP/1.0\n\n')).out).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('test_environ: repeated fields, the query, the decoded path', async () => {
    const app: Application = (environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      const { HTTP_X_TEST_HEADER, QUERY_STRING, PATH_INFO } = environ;
      return [Buffer.from([HTTP_X_TEST_HEADER, QUERY_STRING, PATH_INFO].join(';'), 'latin1')];
    };
    const { out } = await serve(
      app,
      'GET /p%61th/?query=test HTTP/1.0\r\nX-Test-Header: Python test \r\nX-Test-Header: Python test 2\r\nContent-Length: 0\r\n\r\n',
    );
    expect(out.split('\r\n').at(-1)).toBe('Python test,Python test 2;query=test;/path/');
  });

  it('test_request_length: 414', async () => {
    const { out } = await serve(hello, `GET ${'x'.repeat(65537)} HTTP/1.0\r\n\r\n`);
    expect(out).toMatch(/^HTTP\/1\.1 414 URI Too Long\r\n/);
  });

  it('test_validated_hello: no Content-Length, since the validator hides the length', async () => {
    const { out, errors } = await serve(validator(hello));
    expect(sorted(out)).toEqual(sorted(helloResponse('')));
    expect(errors).toBe('');
  });

  it('test_simple_validation_error: in the log, not in the response', async () => {
    const bad: Application = (_environ, startResponse) => {
      startResponse('200 OK', 'Content-Type: text/plain' as never);
      return [];
    };
    const { out, errors } = await serve(validator(bad));
    expect(out).toMatch(new RegExp(`\\r\\n\\r\\n${ERROR_PAGE}$`));
    expect(errors).toMatch(/^AssertionError.*headers/);
  });

  it.each(['200', '20X OK', '200OK'])(
    'test_status_validation_errors: %s is refused, and the log says why',
    async (status) => {
      const { out, errors } = await serve((_environ, startResponse) => {
        startResponse(status, [['Content-Type', 'text/plain; charset=utf-8']]);
        return [Buffer.from('Hello, world!')];
      });
      expect(out).toMatch(new RegExp(`\\r\\n\\r\\n${ERROR_PAGE}$`));
      expect(errors).toContain(`status '${status}' must be three digits`);
    },
  );

  it('test_wsgi_input: validator-read-all differs, a wrong size is refused', async () => {
    const reading =
      (size: unknown): Application =>
      async (environ, startResponse) => {
        await environ['wsgi.input'].read(size as number);
        startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
        return [Buffer.from('data')];
      };
    expect((await serve(validator(reading(undefined)))).out).toMatch(/\r\n\r\ndata$/);
    const { out, errors } = await serve(validator(reading('5')));
    expect(out).toMatch(new RegExp(`\\r\\n\\r\\n${ERROR_PAGE}$`));
    expect(errors).toMatch(/^AssertionError/);
  });

  it('test_bytes_validation: bytes pass the validator, and are counted in the log', async () => {
    const { out, errors, log } = await serve(
      validator((_environ, startResponse) => {
        startResponse('200 OK', [
          ['Content-Type', 'text/plain; charset=utf-8'],
          ['Date', DATE],
        ]);
        return [Buffer.from('data')];
      }),
    );
    expect(out).toMatch(/\r\n\r\ndata$/);
    expect(errors).toBe('');
    expect(log).toEqual([expect.stringMatching(/"GET \/ HTTP\/1\.0" 200 4$/)]);
  });

  it('test_cp1252_url: a byte of the path is a code unit; server-target-bytes differs', async () => {
    const path: Application = (environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.from(environ.PATH_INFO, 'latin1')];
    };
    const { out } = await serve(validator(path), 'GET /%80%80 HTTP/1.0\r\n\r\n');
    expect(out).toMatch(/\r\n\r\n\/\x80\x80$/);
    expect((await serve(path, 'GET /\x80%80 HTTP/1.0\r\n\r\n')).out).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('test_interrupted_write: a body larger than any buffer comes whole', async () => {
    const size = 16 * 1024 * 1024;
    const { out } = await serve((_environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.alloc(size)];
    });
    expect(out.length - out.indexOf('\r\n\r\n') - 4).toBe(size);
  });
});
