// pnpm bench: starts each server as a process of its own, in turn, round by round, and drives it.
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { drive, items, memoryOf, processorTime, wrkVersion } from './load.mjs';
import { chart, median, table } from './report.mjs';
import { servers } from './servers.mjs';
import { verdicts } from './targets.mjs';
import { filePath, makeFile } from './work.mjs';

const usage = `pnpm bench [options]

  --only NAME     one item or one server; may be given more than once
  --rounds N      rounds of each item (default 5)
  --seconds N     seconds of each measurement (default 4)
  --quick         3 rounds of 1 second
  --json FILE     write all figures as JSON
  --svg FILE      write a bar chart of the ratios of the first item
  --base NAME     the server that the others are compared with (default node:http)
  --help          show this

Items: ${items.map(({ name }) => name).join(', ')}
Servers: ${servers.map(({ name }) => name).join(', ')}
`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    svg: { type: 'string' },
    base: { type: 'string', default: 'node:http' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const rounds = Number(options.rounds ?? (options.quick ? 3 : 5));
const seconds = Number(options.seconds ?? (options.quick ? 1 : 4));
if (!(rounds >= 1) || !(seconds >= 1)) fail('--rounds and --seconds take a number from 1 up');

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(1);
}

const wrk = wrkVersion();
if (wrk === undefined) {
  fail('the load generator wrk is not installed; on Debian and Ubuntu: apt-get install wrk');
}

const only = new Set(options.only);
for (const name of only) {
  if (![...items, ...servers].some((one) => one.name === name)) {
    fail(`there is no item and no server named '${name}'\n\n${usage}`);
  }
}
const pick = (all) => {
  const named = all.filter(({ name }) => only.has(name));
  return named.length > 0 ? named : all;
};
const chosenItems = pick(items);
const chosenServers = pick(servers).filter(({ name, found }) => {
  if (found === undefined || found()) return true;
  console.error(`bench: ${name} is not installed, and so not measured`);
  return false;
});
if (!chosenServers.some(({ name }) => name === options.base)) {
  const base = servers.find(({ name }) => name === options.base);
  if (base === undefined) fail(`there is no server named '${options.base}'`);
  chosenServers.unshift(base);
}

/** Starts a server; resolves with its process and port when it has said the port, and accepts there. */
async function start(server) {
  const child = spawn(server.command, server.args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', BENCH_FILE: filePath },
  });
  const port = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`it ended with code ${code}`)));
    createInterface(child.stdout).once('line', (line) => resolve(Number(line)));
  });
  // Some say their port before they listen.
  for (let left = 100; left > 0 && !(await accepts(port)); left -= 1) await sleep(50);
  return { child, port, idle: memoryOf(child.pid)?.now };
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function stop({ child }) {
  child.removeAllListeners('exit');
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill();
    setTimeout(() => child.kill('SIGKILL'), 2000).unref();
  });
}

const progress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

/**
 * All rounds of one item: A B C A B C ..., so that a change of the machine's mood meets all alike. Each time a new
 * process: how V8 happens to compile one differs from run to run by a quarter, and stays with it to its end.
 */
async function measure(item) {
  const able = chosenServers.filter((server) => server.only?.includes(item.name) !== false);
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
  const running = await start(server);
  try {
    const { child, port, idle } = running;
    await drive(port, item, 1);
    const before = processorTime(child.pid);
    const { rate, p99 } = await drive(port, item, seconds);
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`);
    result.rates.push(rate);
    result.p99.push(p99);
    if (before !== undefined) {
      result.cpu.push((processorTime(child.pid) - before) / (rate * seconds));
    }
    const memory = memoryOf(child.pid);
    if (memory !== undefined) result.memory = { ...memory, idle };
  } finally {
    await stop(running);
  }
}

const version = (name) => {
  try {
    return createRequire(import.meta.url)(`${name}/package.json`).version;
  } catch {
    return undefined;
  }
};
const machine = {
  node: process.version,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  wrk,
  rounds,
  seconds,
  versions: Object.fromEntries(
    ['express', 'fastify', 'koa', 'hono', '@hono/node-server', '@whatwg-node/server']
      .map((name) => [name, version(name)])
      .filter(([, known]) => known !== undefined),
  ),
};

makeFile();
const measured = {};
try {
  const known = Object.entries(machine.versions).map((pair) => pair.join(' '));
  console.log(
    `Node ${machine.node}, ${machine.cores} cores (${machine.processor}), wrk ${wrk}, ${rounds} rounds of ${seconds} s; ${known.join(', ')}\n`,
  );
  for (const item of chosenItems) {
    measured[item.name] = await measure(item);
    console.log(table(item, measured[item.name], options.base));
  }
  console.log(verdicts(measured));
} finally {
  rmSync(filePath, { force: true });
}

if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify({ machine, measured }, null, 2)}\n`);
}
if (options.svg !== undefined) {
  const [item] = chosenItems;
  const rows = measured[item.name].map(({ server, ratios }) => ({ server, ratio: median(ratios) }));
  rows.sort((a, b) => b.ratio - a.ratio);
  writeFileSync(
    options.svg,
    chart(`${item.title}: requests per second, ${options.base} = 1`, rows),
  );
}
