import { type ChildProcess, fork } from 'node:child_process';
import { watch } from 'node:fs';
import { resolve, sep } from 'node:path';
import { standardErrors } from '@wsgi/core/handlers';
import { onStopSignal, supervisedVariable } from './signals.js';

/** Editors write a file in several steps: what changes within this time is one change. In milliseconds. */
const settling = 100;

const ignored = new Set(['node_modules', '.git']);

/**
 * Runs the command in a process of its own, and again whenever a file below this directory changes.
 *
 * @param host - where it listens. A Unix socket comes and goes with each process, and is no change.
 */
export function superviseReloads(script: string, args: readonly string[], host: string): void {
  let child: ChildProcess | undefined;
  /** The one that was told to end: what has changed since, its successor finds. */
  let leaving: ChildProcess | undefined;
  let isStopping = false;
  let timer: NodeJS.Timeout | undefined;

  const start = (): void => {
    child = fork(script, args, { env: { ...process.env, [supervisedVariable]: '1' } });
    child.once('exit', (code) => {
      child = undefined;
      // One that ended by itself waits here for the change that mends it.
      if (isStopping) process.exit(code ?? 1);
    });
  };
  const restart = (): void => {
    if (isStopping) return;
    if (child === undefined) start();
    else if (child !== leaving) {
      leaving = child;
      child.once('exit', start).kill('SIGTERM');
    }
  };

  watch('.', { recursive: true }, (_event, file) => {
    if (file === null || file.split(sep).some((part) => ignored.has(part))) return;
    if (resolve(file) === host) return;
    clearTimeout(timer);
    timer = setTimeout(restart, settling);
  }).on('error', (error) => {
    // A directory may go while Node looks for what is in it: whoever builds or installs something makes such ones.
    if ('code' in error && error.code === 'ENOENT') return;
    standardErrors.write(`wsgi: not every change will be seen: ${error.message}\n`);
  });
  onStopSignal(
    () => {
      isStopping = true;
      if (child === undefined) process.exit(0);
      child.kill('SIGTERM');
    },
    () => {
      child?.kill('SIGKILL');
      process.exit(1);
    },
  );
  start();
}
