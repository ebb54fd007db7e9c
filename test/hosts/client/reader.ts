import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Endpoint } from './types.ts';

const script = fileURLToPath(new URL('read.mjs', import.meta.url));

/**
 * Reads a response in a process of its own, as fast as it comes, and keeps nothing. It goes after 1 GiB, so that a
 * server that does nothing else meanwhile comes to an end.
 */
export function startReader({ protocol, secure, port, target }: Endpoint): { stop(): void } {
  const endpoint = JSON.stringify({ protocol, secure, port, target });
  const child = spawn(process.execPath, [script, endpoint], { stdio: 'inherit' });
  return { stop: () => void child.kill('SIGTERM') };
}
