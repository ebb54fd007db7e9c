/** The scripts run by hand, as a web server would: variables, standard input, and what comes out. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const PROBE: string = join(import.meta.dirname, 'scripts/probe.mjs');

export interface Ended {
  stdout: string;
  stderr: string;
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class Script {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<[number | null, NodeJS.Signals | null]>;
  stdout = '';
  stderr = '';

  /** Starts the probe at `path`, with these variables and no others but PATH. */
  constructor(path: string, variables: Record<string, string> = {}, script: string = PROBE) {
    const [pathInfo, query = ''] = path.split('?');
    this.child = spawn(process.execPath, [script], {
      env: {
        PATH: process.env['PATH'],
        GATEWAY_INTERFACE: 'CGI/1.1',
        REQUEST_METHOD: 'GET',
        SCRIPT_NAME: '/probe',
        PATH_INFO: pathInfo,
        QUERY_STRING: query,
        SERVER_NAME: '127.0.0.1',
        SERVER_PORT: '80',
        SERVER_PROTOCOL: 'HTTP/1.1',
        ...variables,
      },
    });
    this.#closed = once(this.child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    this.child.stdin.on('error', () => {});
    this.child.stdout.setEncoding('latin1').on('data', (text) => {
      this.stdout += text;
    });
    this.child.stderr.on('data', (text) => {
      this.stderr += text;
    });
  }

  async ended(): Promise<Ended> {
    const [code, signal] = await this.#closed;
    return { stdout: this.stdout, stderr: this.stderr, code, signal };
  }
}

/** Runs the probe to its end; standard input holds `input`, and stays open unless told otherwise. */
export async function run(
  path: string,
  variables?: Record<string, string>,
  input: { bytes?: string | Buffer; end?: boolean } = {},
): Promise<Ended> {
  const script = new Script(path, variables);
  script.child.stdin.write(input.bytes ?? '');
  if (input.end === true) script.child.stdin.end();
  const ended = await script.ended();
  script.child.stdin.destroy();
  return ended;
}

export function bodyOf({ stdout }: Ended): string {
  return stdout.slice(stdout.indexOf('\r\n\r\n') + 4);
}
