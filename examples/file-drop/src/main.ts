/** `npm start`: the file drop in all its servers at once, until Ctrl-C. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Application } from '@wsgi/core/types';
import { createFileDrop } from './app.js';
import type { Running } from './node-server.js';
import { type Host, hosts } from './servers.js';
import { removeUnfinished } from './storage.js';

/** How long uploads and downloads under way may go on after the first Ctrl-C, in milliseconds. */
const GRACE = 10_000;

/** Signals this soon after the first, in milliseconds, are the same Ctrl-C: npm may pass on what the terminal sent. */
const ECHO = 300;

/** What is wrong with the settings or the machine, in a line for the one who started the program. */
class StartError extends Error {}

const { env } = process;
const host = env.HOST || '127.0.0.1';
const stopping = new AbortController();

try {
  await main();
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(`file-drop: ${error.message}`);
  process.exit(1);
}

async function main(): Promise<void> {
  const ports = hosts.map(portOf);
  const folder = makeFolder();
  const app = createFileDrop(folder, { signal: stopping.signal });

  const servers: Running[] = [];
  stopOnSignal(servers);
  for (const [index, place] of hosts.entries()) {
    servers.push(await start(place, app, ports[index] ?? place.port));
    // Stopped before it was all up: nothing is under way yet.
    if (stopping.signal.aborted) process.exit();
  }
  const urls = servers.map(({ port }, index) => {
    return `http://${shown(host)}:${port}${hosts[index]?.mount}/`;
  });
  console.log(greeting(folder, urls));
}

function portOf({ variable, port }: Host): number {
  const text = env[variable];
  if (text === undefined || text === '') return port;
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 65_535) return number;
  throw new StartError(
    `${variable}=${text} is no port: give a number from 0 (any free one) to 65535`,
  );
}

/** A folder of its own, gone when the program is; or the one that FOLDER names, which stays. */
function makeFolder(): string {
  try {
    if (env.FOLDER) {
      const folder = resolve(env.FOLDER);
      mkdirSync(folder, { recursive: true });
      process.on('exit', () => removeUnfinished(folder));
      return folder;
    }
    const folder = mkdtempSync(join(tmpdir(), 'file-drop-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    return folder;
  } catch (error) {
    throw new StartError(`cannot make a folder for the files: ${messageOf(error)}`);
  }
}

async function start(place: Host, app: Application, port: number): Promise<Running> {
  try {
    return await place.start(app, host, port);
  } catch (error) {
    const remedy =
      error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
        ? `it is in use: end what runs there, or set ${place.variable} to another (0 for any free one)`
        : messageOf(error);
    throw new StartError(`${place.name} cannot listen on port ${port} of ${host}: ${remedy}`);
  }
}

/** The first signal lets requests finish, the second does not. */
function stopOnSignal(servers: readonly Running[]): void {
  let since = 0;
  const stop = (): void => {
    if (stopping.signal.aborted) {
      if (performance.now() - since > ECHO) process.exit(130);
      return;
    }
    since = performance.now();
    console.log('\nStopping. Once more to stop at once.');
    stopping.abort();
    for (const server of servers) void server.stop(GRACE);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (env.npm_lifecycle_event === 'start') whenOrphaned(stop);
}

/** Whoever ends npm means this program, too, but the shell between the two passes no signal on. */
function whenOrphaned(stop: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, 500).unref();
}

function greeting(folder: string, urls: readonly string[]): string {
  const [first = '', second = first, third = second] = urls;
  const width = Math.max(...hosts.map(({ name }) => name.length));
  return [
    `One application, ${urls.length} servers. Open any of these, or all:`,
    '',
    ...hosts.map(({ name }, index) => `  ${name.padEnd(width)}  ${urls[index]}`),
    '',
    'From a terminal:',
    '',
    `  curl -T README.md ${first}files/`,
    `  curl ${second}files`,
    `  curl ${third}files/README.md`,
    `  curl -N ${second}events`,
    `  curl -X DELETE ${third}files/README.md`,
    '',
    `Files are kept in ${folder}${env.FOLDER ? '' : ' until the end'}. Ctrl-C ends it.`,
  ].join('\n');
}

/** The host as a URL has it. A server that listens on every address is reached through the loopback one. */
function shown(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
