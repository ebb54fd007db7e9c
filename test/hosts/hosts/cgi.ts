import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import {
  BaseCGIHandler,
  BodyInput,
  type ErrorStream,
  getEnviron,
  ReadableSource,
  toApplication,
  utf8ToWsgi,
} from '@wsgi/core';
import { type MountedPath, splitMount, splitTarget } from '@wsgi/core/handlers';
import type { Host, MountOptions } from '../stage.ts';
import { ErrorRecorder, listen } from './server.ts';

/**
 * `BaseCGIHandler` behind a small web server: variables and streams in, CGI's response out, parsed and sent on.
 *
 * A closure cannot be sent to another process, so the script runs in this one; test/cgi runs processes, under the
 * web servers that people have.
 */
export const cgi: Host = {
  name: 'CGI',
  protocols: ['HTTP/1.1', 'HTTP/1.0'],
  ownParser: true,
  async serve(app, options) {
    const errors = new ErrorRecorder();
    const application = toApplication(app);
    const server = await listen(
      createServer((request, response) => {
        const { path } = splitTarget(request.url ?? '');
        const mounted = splitMount(path, utf8ToWsgi(options.scriptName ?? ''));
        if (mounted === undefined) response.writeHead(404).end();
        else new Gateway(request, response, mounted, errors, options).run(application);
      }),
    );
    return {
      ...server,
      secure: false,
      protocol: 'http1',
      target: `${options.scriptName ?? ''}/`,
      reported: () => errors.text,
    };
  },
};

class Gateway extends BaseCGIHandler {
  readonly #options: MountOptions;
  readonly #output: CGIOutput;
  readonly #source: ReadableSource;
  readonly #request: IncomingMessage;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    path: MountedPath,
    errors: ErrorStream,
    options: MountOptions,
  ) {
    const limit = options.maxBodySize ?? Number.POSITIVE_INFINITY;
    const output = new CGIOutput(response);
    const source = new ReadableSource(request);
    const input = new BodyInput(source, { limit });
    super(input, output, errors, variables(request, path));
    this.maxBodySize = limit;
    this.#options = options;
    this.#output = output;
    this.#source = source;
    this.#request = request;
    output.on('error', () => {});
    response.on('close', () => {
      output.destroy();
      this.handleDisconnect();
    });
  }

  override setupEnviron(): void {
    super.setupEnviron();
    const { environ } = this.#options;
    Object.assign(this.environ, typeof environ === 'function' ? environ(this.#request) : environ);
  }

  override _end(): void {
    this.#output.end();
    // What is left of the body is the web server's to take in: the next request stands behind it.
    this.#source.release();
    this.#request.resume();
  }
}

/** What a web server puts into the environment: strings, and nothing else. */
function variables(request: IncomingMessage, path: MountedPath): Record<string, unknown> {
  const { scriptName: SCRIPT_NAME, pathInfo: PATH_INFO } = path;
  const entries = Object.entries({ ...getEnviron(request), SCRIPT_NAME, PATH_INFO });
  return Object.fromEntries(entries.filter(([, value]) => typeof value === 'string'));
}

/** Reads a CGI response (RFC 3875 section 6) and sends it on. */
class CGIOutput extends Writable {
  readonly #response: ServerResponse;
  #head: Buffer | undefined = Buffer.alloc(0);

  constructor(response: ServerResponse) {
    super();
    this.#response = response;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const body = this.#head === undefined ? chunk : this.#readHead(chunk);
    if (this.#response.destroyed) done(new Error('the client has gone'));
    else if (body.length === 0 || this.#response.write(body)) done();
    else this.#response.once('drain', done);
  }

  /** Takes bytes of the head; gives what is behind it. */
  #readHead(chunk: Buffer): Buffer {
    const head = Buffer.concat([this.#head ?? Buffer.alloc(0), chunk]);
    const end = head.indexOf('\r\n\r\n');
    this.#head = end < 0 ? head : undefined;
    if (end < 0) return Buffer.alloc(0);
    const [status = '', ...lines] = head.toString('latin1', 0, end).split('\r\n');
    const fields = lines.flatMap((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    });
    const [, code, reason] = /^Status: (\d{3}) (.*)$/s.exec(status) ?? [];
    this.#response.writeHead(Number(code), reason, fields);
    return head.subarray(end + 4);
  }

  override _final(done: () => void): void {
    this.#response.end();
    done();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    if (!this.#response.writableEnded) this.#response.destroy();
    done();
  }
}
