// npm run bench: starts each server as a process of its own, in turn, round by round, and drives it.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { drive, wrkVersion } from './load.mjs';
import { does, readOptions, usage } from './options.mjs';
import { memoryOf, processorTime, start, stop, temporary } from './processes.mjs';
import { chart, median, table } from './report.mjs';
import { verdicts } from './targets.mjs';
import { filePath, makeFile } from './work.mjs';

const options = read();
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const { rounds, seconds, warmUp } = options;
const wrk = wrkVersion();
if (wrk === undefined) {
  fail('the load generator wrk is not installed; on Debian and Ubuntu: apt-get install wrk');
}

function read() {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    return fail(`${error.message}\n\n${usage}`);
  }
}

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(1);
}

/** Starts a server; resolves with its process and port when it has said the port, and accepts there. */
async function launch(server) {
  const child = start(server.command, server.args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', BENCH_FILE: filePath },
  });
  try {
    // Where the server is a process that this one has started, its line says which.
    const [port, pid = child.pid] = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`it ended with code ${code}`)));
      createInterface(child.stdout).once('line', (line) => resolve(line.split(' ').map(Number)));
    });
    // Some say their port before they listen.
    for (let left = 100; left > 0 && !(await accepts(port)); left -= 1) await sleep(50);
    return { child, port, pid, idle: memoryOf(pid)?.now };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

const progress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

/** What serving took above the idle figure, in MiB. */
const taken = (memory) => (memory === undefined ? -Infinity : memory.peak - memory.idle);

/**
 * All rounds of one item: A B C A B C ..., so that a change of the machine's mood meets all alike. Each time a new
 * process: how V8 happens to compile one differs from run to run by a quarter, and stays with it to its end.
 */
async function measure(item) {
  const able = options.servers.filter((server) => does(server, item));
  const all = able.map(({ name }) => ({ server: name, rates: [], p99: [], cpu: [] }));
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const [index, server] of able.entries()) {
      if (all[index].rates.length < turn) continue;
      progress(`${item.name}: round ${turn + 1} of ${rounds}, ${server.name}`);
      try {
        await measureOnce(item, server, all[index]);
      } catch (error) {
        // One that breaks down is left out, and the others go on; but against nothing there is no ratio.
        if (server.name === options.base) throw error;
        console.error(`bench: ${server.name} is left out of ${item.name}: ${error.message}`);
      }
    }
  }
  progress('');
  const results = all.filter(({ rates }) => rates.length === rounds);
  const base = results.find(({ server }) => server === options.base);
  for (const result of results) {
    result.ratios = result.rates.map((rate, turn) => rate / base.rates[turn]);
  }
  return results;
}

async function measureOnce(item, server, result) {
  const { child, port, pid, idle } = await launch(server);
  try {
    await drive(port, item, warmUp);
    const before = processorTime(pid);
    const { rate, p99, took } = await drive(port, item, seconds);
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`);
    result.rates.push(rate);
    result.p99.push(p99);
    const after = processorTime(pid);
    if (before !== undefined && after !== undefined) {
      result.cpu.push((after - before) / (rate * took));
    }
    const memory = memoryOf(pid);
    // Of several rounds, the one in which it took the most.
    if (memory !== undefined && memory.peak - idle > taken(result.memory)) {
      result.memory = { ...memory, idle };
    }
  } finally {
    await stop(child);
  }
}

const json = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const peers = Object.entries(json('package.json').dependencies)
  .filter(([, wanted]) => !wanted.startsWith('workspace:'))
  .map(([name]) => [name, json(`node_modules/${name}/package.json`).version]);
const machine = {
  node: process.version,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  wrk,
  rounds,
  seconds,
  warmUp,
  versions: Object.fromEntries(peers),
};

temporary(filePath);
makeFile();
const measured = {};
const known = peers.map((pair) => pair.join(' '));
console.log(
  `Node ${machine.node}, ${machine.cores} cores (${machine.processor}), wrk ${wrk}, ${rounds} rounds of ${seconds} s after ${warmUp} s; ${known.join(', ')}\n`,
);
for (const item of options.items) {
  measured[item.name] = await measure(item);
  console.log(table(item, measured[item.name], options.base));
}
console.log(verdicts(measured));

if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify({ machine, measured }, null, 2)}\n`);
}
if (options.svg !== undefined) {
  const [item] = options.items;
  const rows = measured[item.name].map(({ server, ratios }) => ({ server, ratio: median(ratios) }));
  rows.sort((a, b) => b.ratio - a.ratio);
  writeFileSync(
    options.svg,
    chart(`${item.title}: requests per second, ${options.base} = 1`, rows),
  );
}
