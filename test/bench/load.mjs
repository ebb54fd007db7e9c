// The load: wrk for requests, and a client of our own for event streams.
import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { own, removeTemporary, temporaryFolder } from './processes.mjs';
import { event, events, KIB, MIB } from './work.mjs';

const run = promisify(execFile);

/** With the Host field, which wrk adds. */
const twentyHeaders = Array.from(
  { length: 19 },
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

/**
 * Drives one item for some seconds: requests (or events) a second, the seconds that they took, and latency's 99th
 * percentile in ms.
 */
export async function drive(port, item, seconds) {
  const driven =
    item.name === 'events' ? await driveEvents(port, item) : await driveWrk(port, item, seconds);
  if (!(driven.rate > 0)) throw new Error(`${item.name}: nothing was answered`);
  return driven;
}

async function driveWrk(port, item, seconds) {
  const folder = temporaryFolder('wrk');
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
  const running = run('wrk', [...args, `http://127.0.0.1:${port}${item.path}`]);
  own(running.child);
  const { stdout } = await running.finally(() => removeTemporary(folder));
  // Long bodies are cut off when wrk ends; only reads that failed on the way are an error.
  const cut = /Socket errors: connect 0, read 0, write 0,/;
  const trouble = stdout.match(/Non-2xx.*|Socket errors.*/g)?.find((line) => !cut.test(line));
  if (trouble !== undefined) throw new Error(`${item.name}: ${trouble}`);
  // By bytes and not by requests: a long body that the end of the run cut off was work, too.
  const bytes = toBytes(/Transfer\/sec:\s+(\S+)/.exec(stdout)[1]);
  const requests = Number(/Requests\/sec:\s+(\S+)/.exec(stdout)[1]);
  const rate = item.connections === 4 ? bytes / (64 * MIB) : requests;
  return {
    rate,
    took: seconds,
    p99: toMilliseconds(/^\s+99%\s+(\S+)/m.exec(stdout)?.[1] ?? '0ms'),
  };
}

function toBytes(text) {
  const [, number, unit] = /^([\d.]+)([KMG]?)B$/.exec(text);
  return Number(number) * { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[unit];
}

function toMilliseconds(text) {
  const [, number, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text);
  return Number(number) * { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit];
}

/** Opens all event streams at once and waits for the last event of each. Its latency is the time until that. */
async function driveEvents(port, item) {
  const began = performance.now();
  const streams = Array.from({ length: item.connections }, () => readEvents(port, item.path));
  const ends = (await Promise.all(streams)).sort((a, b) => a - b);
  const took = (performance.now() - began) / 1000;
  const p99 = ends[Math.ceil(ends.length * 0.99) - 1] - began;
  return { rate: (item.connections * events) / took, took, p99 };
}

function readEvents(port, path) {
  return new Promise((resolve, reject) => {
    let seen = 0;
    const asked = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.on('data', (bytes) => {
        seen += bytes.length;
      });
      response.on('end', () => {
        if (seen === events * event.length) resolve(performance.now());
        else reject(new Error(`${seen} bytes of events, not ${events * event.length}`));
      });
      response.on('error', reject);
    });
    asked.on('error', reject).end();
  });
}
