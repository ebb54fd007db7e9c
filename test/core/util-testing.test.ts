import {
  applicationUri,
  type Environ,
  FileWrapper,
  readChunks,
  setupTestingDefaults,
} from '@wsgi/core';
import { describe, expect, it } from 'vitest';

type Given = Partial<Environ>;

const filled = (environ: Given = {}): Environ => {
  setupTestingDefaults(environ);
  return environ;
};

describe('setupTestingDefaults', () => {
  it('fills every key that the contract asks for', () => {
    const { 'gateway.signal': signal, 'wsgi.input': _, 'wsgi.errors': __, ...rest } = filled();
    expect(rest).toEqual({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '',
      PATH_INFO: '/',
      QUERY_STRING: '',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: '80',
      SERVER_PROTOCOL: 'HTTP/1.0',
      HTTP_HOST: '127.0.0.1',
      'wsgi.version': [1, 0],
      'wsgi.url_scheme': 'http',
      'wsgi.multithread': false,
      'wsgi.multiprocess': false,
      'wsgi.run_once': false,
      'wsgi.file_wrapper': FileWrapper,
      'wsgi.input_terminated': true,
    });
    expect(signal().aborted).toBe(false);
    expect(signal()).toBe(signal());
  });

  it('keeps what is there', () => {
    const given = {
      REQUEST_METHOD: 'PUT',
      SERVER_PORT: '81',
      'wsgi.run_once': true,
      HTTP_HOST: '',
    };
    expect(filled({ ...given })).toMatchObject(given);
  });

  it("keeps a null as wsgiref keeps None: HTTP_HOST's says that there is none", () => {
    const environ = filled({ HTTP_HOST: null as never, SERVER_PORT: '8000' });
    expect(environ.HTTP_HOST).toBeNull();
    expect(applicationUri(environ)).toBe('http://127.0.0.1:8000/');
  });

  it.each<[Given, Given]>([
    [{ SERVER_NAME: 'foo.bar' }, { HTTP_HOST: 'foo.bar' }],
    [{ HTTPS: 'on' }, { 'wsgi.url_scheme': 'https', SERVER_PORT: '443' }],
    [{ 'wsgi.url_scheme': 'https' }, { SERVER_PORT: '443' }],
    [{ HTTPS: 'foo' }, { 'wsgi.url_scheme': 'http', SERVER_PORT: '80' }],
    [{ SCRIPT_NAME: '/a' }, { PATH_INFO: '' }],
    [{ PATH_INFO: '/a' }, { SCRIPT_NAME: '' }],
  ])('derives from %j that %j', (given, derived) => {
    expect(filled(given)).toMatchObject(derived);
  });

  it('gives an input that is at its end', async () => {
    const input = filled()['wsgi.input'];
    expect(await input.read()).toEqual(new Uint8Array(0));
    expect(await input.readline()).toEqual(new Uint8Array(0));
    expect(await input.readlines()).toEqual([]);
    for await (const line of input) expect.unreachable(`a line: ${line}`);
    for await (const chunk of readChunks(input)) expect.unreachable(`a chunk: ${chunk}`);
  });

  it('gives an error stream that keeps its text', () => {
    const errors = filled()['wsgi.errors'];
    errors.write('one\n');
    errors.writelines(['two\n', 'three']);
    errors.flush();
    expect(String(errors)).toBe('one\ntwo\nthree');
  });
});
