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
  environ.SERVER_NAME ??= '127.0.0.1';
  environ.SERVER_PROTOCOL ??= 'HTTP/1.0';
  environ.HTTP_HOST ??= environ.SERVER_NAME;
  environ.REQUEST_METHOD ??= 'GET';

  // A path that was given in part is complete: its other part is empty.
  environ.PATH_INFO ??= environ.SCRIPT_NAME === undefined ? '/' : '';
  environ.SCRIPT_NAME ??= '';
  environ.QUERY_STRING ??= '';

  environ['wsgi.version'] ??= [1, 0];
  environ['wsgi.run_once'] ??= false;
  environ['wsgi.multithread'] ??= false;
  environ['wsgi.multiprocess'] ??= false;
  environ['wsgi.input'] ??= new EmptyInput();
  environ['wsgi.errors'] ??= new CollectedErrors();
  environ['wsgi.url_scheme'] ??= guessScheme(environ);
  environ.SERVER_PORT ??= environ['wsgi.url_scheme'] === 'https' ? '443' : '80';

  environ['wsgi.file_wrapper'] ??= FileWrapper;
  environ['wsgi.input_terminated'] ??= true;
  environ['gateway.signal'] ??= neverGone();
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
