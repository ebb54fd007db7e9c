// The `wsgi` command with one worker and with two, at 50 and at 1,000 busy connections.
//   node test/bench/scale.mjs [rounds] [seconds]
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { drive, wrkVersion } from './load.mjs';
import { start, stop } from './processes.mjs';
import { median } from './report.mjs';

const settings = process.argv.slice(2);
if (settings.length > 2 || !settings.every((setting) => /^[1-9]\d*$/.test(setting))) {
  console.error(`usage: node test/bench/scale.mjs [rounds] [seconds], not '${settings.join(' ')}'`);
  process.exit(1);
}
const [rounds, seconds] = [Number(settings[0] ?? 3), Number(settings[1] ?? 2)];
if (wrkVersion() === undefined) {
  console.error('scale: the load generator wrk is not installed; on Debian: apt-get install wrk');
  process.exit(1);
}

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const command = path('../../packages/simple-server/bin/wsgi.js');
const kinds = [1, 2].map((workers) => ({ workers, rates: new Map() }));
const loads = [50, 1000];

/** Starts the command on a free port, and waits until it serves. */
async function launch(workers) {
  const port = await freePort();
  const args = [command, `${path('gateway-app.mjs')}:app`, '--quiet', '--port', String(port)];
  if (workers > 1) args.push('--workers', String(workers));
  const child = start(process.execPath, args, { stdio: 'inherit' });
  for (let left = 100; left > 0; left -= 1) {
    await sleep(100);
    if (await serves(port)) return { child, port };
  }
  throw new Error('wsgi does not serve');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

const serves = (port) =>
  fetch(`http://127.0.0.1:${port}/text`).then(
    ({ ok }) => ok,
    () => false,
  );

for (let turn = 0; turn < rounds; turn += 1) {
  for (const { workers, rates } of kinds) {
    const { child, port } = await launch(workers);
    for (const connections of loads) {
      const item = { name: 'text', path: '/text', connections };
      await drive(port, item, 1);
      const { rate } = await drive(port, item, seconds);
      rates.set(connections, [...(rates.get(connections) ?? []), rate]);
    }
    await stop(child);
  }
}
const [one] = kinds;
console.log('| workers | connections | per second | ratio to one worker |');
console.log('| ---: | ---: | ---: | ---: |');
for (const { workers, rates } of kinds) {
  for (const connections of loads) {
    const own = rates.get(connections);
    const ratio = median(own.map((rate, turn) => rate / one.rates.get(connections)[turn]));
    console.log(
      `| ${workers} | ${connections} | ${median(own).toFixed(0)} | ${ratio.toFixed(2)} |`,
    );
  }
}
