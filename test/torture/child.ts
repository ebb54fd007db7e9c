/** Servers in processes of their own, which a test may starve, kill and measure. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { selfSigned } from '../hosts/certificate.ts';
import { type ClientResponse, connect, type Endpoint } from '../hosts/client/index.ts';

const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export interface Circumstances {
  /** Node's own options. */
  node?: readonly string[];
  /** How many descriptors the process may have. Default: the system's limit. */
  descriptors?: number;
  env?: Readonly<Record<string, string>>;
  /** The descriptor that is its standard error. Default: `output` has it. */
  stderr?: number;
}

/** What a process holds, in bytes, after a garbage collection if it runs with `--expose-gc`. */
export interface Sample {
  rss: number;
  mostRss: number;
  /** The heap and what lies beside it for buffers. */
  held: number;
  /** The kinds of what keeps the process alive, and its open descriptors. */
  handles: string[];
  /** How many requests Node itself has refused that it should not have: see children/host.mjs. */
  refused: number;
}

export class Child {
  /** What it has said, on both of its outputs. */
  output = '';
  readonly process: ChildProcess;
  readonly exited: Promise<number | NodeJS.Signals>;
  endpoint: Endpoint = { port: 0, secure: false, protocol: 'http1', target: '/' };
  #changed: () => void = () => {};

  constructor(
    args: readonly string[],
    { node = [], descriptors, env, stderr }: Circumstances,
    ipc: boolean,
  ) {
    const command = [process.execPath, ...node, ...args];
    const limited =
      descriptors === undefined ? [] : ['sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh'];
    const [file = '', ...rest] = [...limited, ...command];
    this.process = spawn(file, rest, {
      stdio: ['ignore', 'pipe', stderr ?? 'pipe', ...(ipc ? ['ipc' as const] : [])],
      env: { ...process.env, TORTURE_TLS: JSON.stringify(selfSigned()), ...env },
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.output += text;
        this.#changed();
      });
    }
    this.exited = once(this.process, 'close').then(([code, signal]) => {
      this.#changed();
      return signal ?? code;
    });
    onTestFinished(async () => {
      this.process.kill('SIGKILL');
      await this.exited;
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get alive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Waits until it has said something; gives the match. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (!this.alive) throw new Error(`it ended: ${this.output}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async sample(): Promise<Sample> {
    const answer = once(this.process, 'message');
    this.process.send('sample');
    const [sample] = await answer;
    return sample as Sample;
  }

  /** One request on a connection of its own; status 0 when there was no answer. */
  async fetch(target: string): Promise<Answer> {
    const connection = await connect(this.endpoint).catch(() => undefined);
    if (connection === undefined) return NO_ANSWER;
    const response = await connection.start({ target }).response;
    connection.close();
    return response;
  }
}

type Answer = Pick<ClientResponse, 'status' | 'text' | 'body' | 'complete'>;

const NO_ANSWER: Answer = { status: 0, text: '', body: Buffer.alloc(0), complete: false };

/** One of the hosts. */
export async function startHost(name: string, circumstances: Circumstances = {}): Promise<Child> {
  const child = new Child([script('children/host.mjs'), name], circumstances, true);
  const started = once(child.process, 'message');
  const [endpoint] = await Promise.race([started, child.exited.then(() => [])]);
  if (endpoint === undefined) throw new Error(`${name} did not start: ${child.output}`);
  child.endpoint = endpoint as Endpoint;
  return child;
}

/** The `wsgi` command, with the same application. */
export async function startCommand(
  args: readonly string[],
  circumstances: Circumstances = {},
): Promise<Child> {
  const command = script('../../packages/simple-server/bin/wsgi.js');
  const child = new Child(
    [command, '--port', '0', ...args, script('children/app.mjs')],
    circumstances,
    false,
  );
  const [, port] = await child.says(/ on http:\/\/127\.0\.0\.1:(\d+)/);
  child.endpoint = { ...child.endpoint, port: Number(port) };
  return child;
}
