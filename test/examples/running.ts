import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main: string = fileURLToPath(
  new URL('../../examples/file-drop/dist/main.js', import.meta.url),
);

/** The example as `npm start` runs it: a process of its own, on free ports. */
export class Running {
  private constructor(
    readonly process: ChildProcess,
    /** Where it keeps its files. */
    readonly folder: string,
    /** The application's address in each server, with a slash at its end. */
    readonly urls: ReadonlyMap<string, string>,
    private readonly output: { text: string },
  ) {}

  static async start(env: Record<string, string> = {}): Promise<Running> {
    const folder = await mkdtemp(join(tmpdir(), 'file-drop-test-'));
    const process = launch({ FOLDER: folder, ...env });
    const output = collect(process);
    while (!output.text.includes('Ctrl-C')) {
      const [chunk] = await Promise.race([
        once(process.stdout ?? process, 'data'),
        once(process, 'exit').then(() => [undefined]),
      ]);
      if (chunk === undefined) throw new Error(`It did not start:\n${output.text}`);
    }
    const lines = output.text.matchAll(/^ {2}(\S+) +(http:\S+\/)$/gm);
    const urls = new Map([...lines].map(([, name = '', url = '']) => [name, url]));
    return new Running(process, folder, urls, output);
  }

  /** All that it wrote to both of its outputs. */
  get said(): string {
    return this.output.text;
  }

  /** The names in its folder, those of unfinished uploads too. */
  names(): Promise<string[]> {
    return readdir(this.folder);
  }

  /** The memory it holds, in bytes. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    const code = await stopped(this.process, signal);
    await rm(this.folder, { recursive: true, force: true });
    return code;
  }
}

/** Starts the program on free ports, with nothing of this process's own settings. */
export function launch(env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, ...freePorts, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const freePorts = {
  PORT_HTTP: '0',
  PORT_EXPRESS: '0',
  PORT_FASTIFY: '0',
  PORT_STANDALONE: '0',
};

/** Gathers what a process writes. */
export function collect(process: ChildProcess): { text: string } {
  const output = { text: '' };
  for (const stream of [process.stdout, process.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  }
  return output;
}

/** Sends a signal, when one is given, and waits for the end. */
export async function stopped(
  process: ChildProcess,
  signal?: NodeJS.Signals,
): Promise<number | null> {
  if (process.exitCode !== null) return process.exitCode;
  const exit = once(process, 'exit');
  if (signal) process.kill(signal);
  const [code] = await exit;
  return code;
}

/** Waits until a condition holds; the test's own time limit ends the wait. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
