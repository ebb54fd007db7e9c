/** Runs code blocks in processes of their own, no more of them at once than there are processors. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import type { Module } from './compile.js';
import { root } from './documents.js';

/** What a web server tells a CGI script of `GET /`. */
const cgi = {
  GATEWAY_INTERFACE: 'CGI/1.1',
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: '/cgi-bin/app',
  PATH_INFO: '/',
  QUERY_STRING: '',
  SERVER_NAME: 'localhost',
  SERVER_PORT: '80',
  SERVER_PROTOCOL: 'HTTP/1.1',
};

const waiting: Array<() => void> = [];
let running = 0;

/**
 * Runs a block under `play.mjs`, as a CGI script if it begins with `#!`.
 *
 * @param player - the path of `play.mjs`, where it can import the packages.
 * @returns what it printed.
 * @throws Error when it failed, with what it printed.
 */
export async function runBlock({ block, path }: Module, player: string): Promise<string> {
  if (running >= availableParallelism()) await new Promise<void>((go) => waiting.push(go));
  running += 1;
  const isScript = block.code.startsWith('#!');
  const env = isScript ? { ...process.env, ...cgi } : process.env;
  try {
    const command = [player, path];
    const { stdout } = await promisify(execFile)(process.execPath, command, {
      cwd: root,
      env,
      timeout: 50_000,
    });
    if (isScript && !stdout.startsWith('Status: 200 OK\r\n'))
      throw new Error(`no response: ${stdout}`);
    return stdout;
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
