// The load: wrk for requests, and a client of our own for event streams.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { events, KIB, MIB } from './work.mjs';

const run = promisify(execFile);

const twentyHeaders = Array.from(
  { length: 18 },
  (_, index) => `wrk.headers["X-Header-${index}"] = "value number ${index}"`,
).join('\n');
const post = (bytes) => `wrk.method = "POST"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("b", ${bytes})`;

/** The work items: what is asked, over how many connections. */
export const items = [
  { name: 'text', title: '13 bytes of text', path: '/text' },
  { name: 'json', title: '1 KiB of JSON, 10 headers to 20', path: '/json', script: twentyHeaders },
  { name: 'echo-1k', title: 'echo of a 1 KiB POST', path: '/echo', script: post(KIB) },
  {
    name: 'echo-1m',
    title: 'echo of a 1 MiB POST',
    path: '/echo',
    script: post(MIB),
    connections: 8,
  },
  { name: 'array', title: '1 MiB in an array', path: '/array', connections: 8 },
  { name: 'generator', title: '64 MiB from a generator', path: '/generator', connections: 4 },
  {
    name: 'async-generator',
    title: '64 MiB from an async generator',
    path: '/async-generator',
    connections: 4,
  },
  { name: 'file', title: '64 MiB from a file', path: '/file', connections: 4 },
  { name: 'events', title: '1,000 event streams', path: '/events', connections: 1000 },
  { name: 'middleware', title: 'three middlewares deep', path: '/middleware' },
];

export function wrkVersion() {
  const { error, stdout } = spawnSync('wrk', ['-v'], { encoding: 'utf8' });
  return error === undefined ? (/wrk ([^ ]+)/.exec(stdout)?.[1] ?? 'unknown') : undefined;
}

/** Drives one item for some seconds: requests (or events) a second, and latency's 99th percentile in ms. */
export async function drive(port, item, seconds) {
  return item.name === 'events' ? driveEvents(port, item) : driveWrk(port, item, seconds);
}

async function driveWrk(port, item, seconds) {
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-bench-wrk-'));
  const args = [
    '-t1',
    `-c${item.connections ?? 50}`,
    `-d${seconds}s`,
    '--timeout',
    '20s',
    '--latency',
  ];
  if (item.script !== undefined) {
    writeFileSync(join(folder, 'item.lua'), item.script);
    args.push('-s', join(folder, 'item.lua'));
  }
  const { stdout } = await run('wrk', [...args, `http://127.0.0.1:${port}${item.path}`]);
  rmSync(folder, { recursive: true });
  if (/Non-2xx|Socket errors/.test(stdout)) {
    const trouble = /(Non-2xx.*|Socket errors.*)/.exec(stdout)[1];
    // Long bodies are cut off when wrk ends; only reads that failed on the way are an error.
    if (!/Socket errors: connect 0, read 0, write 0/.test(trouble)) {
      throw new Error(`${item.name}: ${trouble}`);
    }
  }
  // By bytes and not by requests: a long body that the end of the run cut off was work, too.
  const bytes = toBytes(/Transfer\/sec:\s+(\S+)/.exec(stdout)[1]);
  const requests = Number(/Requests\/sec:\s+(\S+)/.exec(stdout)[1]);
  const rate = item.connections === 4 ? bytes / (64 * MIB) : requests;
  return { rate, p99: toMilliseconds(/^\s+99%\s+(\S+)/m.exec(stdout)?.[1] ?? '0ms') };
}

function toBytes(text) {
  const [, number, unit] = /^([\d.]+)([KMG]?)B$/.exec(text);
  return Number(number) * { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[unit];
}

function toMilliseconds(text) {
  const [, number, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text);
  return Number(number) * { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit];
}

/** Opens all event streams at once and waits for the last event of each. */
async function driveEvents(port, item) {
  const began = performance.now();
  await Promise.all(Array.from({ length: item.connections }, () => readEvents(port, item.path)));
  const seconds = (performance.now() - began) / 1000;
  return { rate: (item.connections * events) / seconds, p99: seconds * 1000 };
}

function readEvents(port, path) {
  return new Promise((resolve, reject) => {
    let seen = 0;
    const asked = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.on('data', (bytes) => {
        seen += bytes.length;
      });
      response.on('end', () => (seen > 0 ? resolve() : reject(new Error('no events'))));
      response.on('error', reject);
    });
    asked.on('error', reject).end();
  });
}

/** The memory of a process in MiB, resident now and at its peak; undefined where there is no /proc. */
export function memoryOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const read = (key) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)[1]) / 1024;
    return { now: read('VmRSS'), peak: read('VmHWM') };
  } catch {
    return undefined;
  }
}

/** The processor time of a process so far, in microseconds; undefined where there is no /proc. */
export function processorTime(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return undefined;
  }
}
