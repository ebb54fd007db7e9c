/** What a web server is to these tests, and how its program is started. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nobody, type Site } from '../site.ts';

export interface WebServer {
  readonly name: string;
  /** Why it cannot be tested here; undefined when it can. */
  readonly missing: string | undefined;
  /**
   * What it makes of CGI that a test must know of. Everything else is expected of all servers.
   *
   * Each is a limit of the web server, seen in its source or its manual; no script can do anything about it.
   */
  readonly limits: ReadonlySet<Limit>;
  start(site: Site): Promise<Running>;
}

export type Limit = keyof typeof LIMITS;

/** What some web servers do not pass on. */
export const LIMITS = {
  'no status': 'http.server answers 200 before the script runs, and sends Status on as a field',
  'own reasons': "lighttpd sends the usual reason of a status, not the script's",
  'no header fields': 'http.server passes on no request header fields but a few that it knows',
  'no chunked request': 'http.server does not read chunked bodies',
  'path is UTF-8': 'http.server decodes the path as UTF-8, and bytes that are none are lost',
  'no abort':
    'a script that writes nothing is not told that the client left; lighttpd sends it SIGTERM',
} as const;

export interface Running {
  readonly port: number;
  /** What the server and its scripts have written to their logs. */
  log(): string;
  stop(): Promise<void>;
}

/** Looks for a program where Debian has it first: there `nobody` may run it, and `/usr/sbin` is in few people's PATH. */
export function findProgram(name: string): string | undefined {
  const folders = ['/usr/sbin', '/usr/bin', ...(process.env['PATH'] ?? '').split(':')];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Says aloud, once for each test file, what is not tested for want of a program. */
export function missingPrograms(server: string, ...programs: string[]): string | undefined {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return undefined;
  return sayMissing(
    server,
    `${missing.join(' and ')} not installed (apt-get install ${missing.join(' ')})`,
  );
}

export function sayMissing(server: string, why: string): string {
  console.warn(`CGI UNDER ${server.toUpperCase()} IS NOT TESTED: ${why}`);
  return why;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A program of a web server, started as `nobody` where root runs the tests. */
export class Program {
  readonly #child: ChildProcess;
  readonly #guard: ChildProcess | undefined;
  readonly #name: string;
  output = '';

  constructor(site: Site, name: string, args: readonly string[]) {
    this.#name = name;
    this.#child = spawn(findProgram(name) ?? name, args, {
      cwd: site.folder,
      env: { PATH: site.path, LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own: fcgiwrap leaves its workers behind when it ends.
      detached: true,
      ...nobody,
    });
    if (this.#child.pid !== undefined) this.#guard = guard(this.#child.pid);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text) => {
        this.output += text;
      });
    }
  }

  /** Waits until it listens. */
  async listening(target: number | string): Promise<void> {
    for (let tries = 0; tries < 1600; tries += 1) {
      if (this.#child.exitCode !== null) break;
      if (await answers(target)) return;
      await sleep(25);
    }
    await this.stop();
    throw new Error(`${this.#name} does not listen on ${target}:\n${this.output}`);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
  }

  async stop(): Promise<void> {
    this.#guard?.kill();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'exit');
    this.#signal('SIGTERM');
    const timer = setTimeout(() => this.#signal('SIGKILL'), 5_000);
    await closed;
    clearTimeout(timer);
  }
}

/**
 * Ends a process group when this process ends, of whatever: a Ctrl-C does not reach a group of its own. Its input is
 * then closed by the system.
 */
function guard(group: number): ChildProcess {
  const command = 'read -r _; kill -s TERM -- "-$0"';
  return spawn('/bin/sh', ['-c', command, String(group)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
}

async function answers(target: number | string): Promise<boolean> {
  const socket = typeof target === 'number' ? connect(target, '127.0.0.1') : connect(target);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export function succeeds(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
