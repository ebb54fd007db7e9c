import { type ChildProcess, fork } from 'node:child_process';
import { fstatSync, statSync, watch } from 'node:fs';
import { resolve, sep } from 'node:path';
import { standardErrors } from '@wsgi/core/handlers';
import { onStopSignal, SUPERVISED_VARIABLE } from './signals.js';

/** Editors write a file in several steps: what changes within this time is one change. In milliseconds. */
const SETTLING = 100;

const IGNORED = new Set(['node_modules', '.git']);

/**
 * Runs the command in a process of its own, and again whenever a file below this directory changes.
 *
 * @param host - where it listens. A Unix socket comes and goes with each process, and is no change.
 */
export function superviseReloads(script: string, args: readonly string[], host: string): void {
  let child: ChildProcess | undefined;
  /** The process that was told to end. What has changed since then, its successor loads. */
  let leaving: ChildProcess | undefined;
  let isStopping = false;
  let timer: NodeJS.Timeout | undefined;

  const start = (): void => {
    child = fork(script, args, { env: { ...process.env, [SUPERVISED_VARIABLE]: '1' } });
    child.once('exit', (code) => {
      child = undefined;
      // When it ended by itself, the next change starts it again.
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
    if (file === null || file.split(sep).some((part) => IGNORED.has(part))) return;
    if (resolve(file) === host || isOutput(file)) return;
    clearTimeout(timer);
    timer = setTimeout(restart, SETTLING);
  }).on('error', (error) => {
    // A directory may vanish while Node reads it: builds and installations make such short-lived ones.
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

/** Whether a file is where this command's output goes: its log grows with each request, and is no change. */
function isOutput(file: string): boolean {
  try {
    const { dev, ino } = statSync(file);
    return [1, 2].map((output) => fstatSync(output)).some((to) => to.dev === dev && to.ino === ino);
  } catch {
    // It has gone, or may not be looked at: that is a change.
    return false;
  }
}
