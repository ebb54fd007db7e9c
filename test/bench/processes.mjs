// What a measurement starts and leaves on the disk: all of it goes with the measurement, however that ends.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const children = new Set();
const paths = new Set();

process.on('exit', () => {
  for (const child of children) child.kill();
  for (const path of paths) rmSync(path, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

/** Sees to it that a process does not outlive this one. */
export function own(child) {
  children.add(child);
  const forget = () => children.delete(child);
  return child.once('exit', forget).once('error', forget);
}

export const start = (command, args, options) => own(spawn(command, args, options));

/** Ends a process, if need be by force, and waits until it is gone. */
export async function stop(child) {
  if (!children.has(child)) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const force = setTimeout(() => child.kill('SIGKILL'), 2000);
  child.kill();
  await gone;
  clearTimeout(force);
}

/** Makes the path of a file that is gone when this process is. */
export function temporary(path) {
  paths.add(path);
  return path;
}

/** Makes a folder that is gone when this process is. */
export const temporaryFolder = (name) =>
  temporary(mkdtempSync(join(tmpdir(), `wsgi-bench-${name}-`)));

export function removeTemporary(path) {
  rmSync(path, { recursive: true, force: true });
  paths.delete(path);
}

/** A process and all that it has started, as far as /proc tells. */
function family(pid) {
  try {
    const started = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? [];
    return [pid, ...started.flatMap(family)];
  } catch {
    return [pid];
  }
}

/** The memory of a server's processes in MiB, resident now and at its peak; undefined where there is no /proc. */
export function memoryOf(pid) {
  try {
    const read = (key) => (text) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(text)[1]) / 1024;
    const all = family(pid).map((one) => readFileSync(`/proc/${one}/status`, 'utf8'));
    return { now: sum(all.map(read('VmRSS'))), peak: sum(all.map(read('VmHWM'))) };
  } catch {
    return undefined;
  }
}

/** The processor time of a server's processes so far, in microseconds; undefined where there is no /proc. */
export function processorTime(pid) {
  try {
    const times = family(pid).map((one) => {
      const fields = readFileSync(`/proc/${one}/stat`, 'utf8').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10_000;
    });
    return sum(times);
  } catch {
    return undefined;
  }
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
