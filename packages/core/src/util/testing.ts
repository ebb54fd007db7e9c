import type { Environ, ErrorStream, InputStream } from '../types.js';
import { FileWrapper } from './file-wrapper.js';
import { guessScheme } from './uri.js';

/**
 * Fills an environ with what a trivial request would have, for tests of applications and middleware. What is there
 * already stays. The data is made up: no server should use this.
 *
 * `wsgi.input` is empty; `wsgi.errors` keeps what is written, and `String(environ['wsgi.errors'])` gives it.
 * Afterwards the environ is whole, and its type says so.
 *
 * Source: wsgiref.util.setup_testing_defaults.
 *
 * @example
 * ```ts
 * const environ: Partial<Environ> = { PATH_INFO: '/hello' };
 * setupTestingDefaults(environ);
 * app(environ, startResponse);
 * ```
 */
export function setupTestingDefaults(environ: Partial<Environ>): asserts environ is Environ {
  fill(environ, 'SERVER_NAME', '127.0.0.1');
  fill(environ, 'SERVER_PROTOCOL', 'HTTP/1.0');
  fill(environ, 'HTTP_HOST', environ.SERVER_NAME);
  fill(environ, 'REQUEST_METHOD', 'GET');

  // A path that was given in part is complete: its other part is empty.
  fill(environ, 'PATH_INFO', environ.SCRIPT_NAME === undefined ? '/' : '');
  fill(environ, 'SCRIPT_NAME', '');
  fill(environ, 'QUERY_STRING', '');

  fill(environ, 'wsgi.version', [1, 0]);
  fill(environ, 'wsgi.run_once', false);
  fill(environ, 'wsgi.multithread', false);
  fill(environ, 'wsgi.multiprocess', false);
  fill(environ, 'wsgi.input', new EmptyInput());
  fill(environ, 'wsgi.errors', new CollectedErrors());
  fill(environ, 'wsgi.url_scheme', guessScheme(environ));
  fill(environ, 'SERVER_PORT', environ['wsgi.url_scheme'] === 'https' ? '443' : '80');

  fill(environ, 'wsgi.file_wrapper', FileWrapper);
  fill(environ, 'wsgi.input_terminated', true);
  fill(environ, 'gateway.signal', neverGone());
}

/** Python's `setdefault`: a null that is there stays, as None does. */
function fill<Key extends keyof Environ>(
  environ: Partial<Environ>,
  key: Key,
  value: Environ[Key],
): void {
  if (environ[key] === undefined) environ[key] = value;
}

/** The client of a test never goes away. */
function neverGone(): () => AbortSignal {
  let signal: AbortSignal | undefined;
  return () => {
    signal ??= new AbortController().signal;
    return signal;
  };
}

class EmptyInput implements InputStream {
  async read(): Promise<Uint8Array> {
    return new Uint8Array(0);
  }

  async readline(): Promise<Uint8Array> {
    return new Uint8Array(0);
  }

  async readlines(): Promise<Uint8Array[]> {
    return [];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {}
}

class CollectedErrors implements ErrorStream {
  #text = '';

  write(text: string): void {
    this.#text += text;
  }

  writelines(lines: Iterable<string>): void {
    for (const line of lines) this.#text += line;
  }

  flush(): void {}

  toString(): string {
    return this.#text;
  }
}
