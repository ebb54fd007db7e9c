/** `npm run torture`: the torture for as long as one wants, each host in a process of its own. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

/** CGI, which starts a process for each request, is left to test/cgi. */
const hostNames = JSON.parse(readFileSync(new URL('./host-names.json', import.meta.url), 'utf8'));

const USAGE = `npm run torture -- [--minutes N] [--pairs N] [--replay 'SEED PATH'] [--soak N] [--mib N] [--host NAME]

  --minutes N   pairs from fresh seeds for N minutes, shared among the hosts
  --pairs N     N pairs for each host, from the fixed list of seeds
  --replay      one pair again: the seed and path that a failure has printed
  --soak N      N seconds of mixed traffic with random faults for each host, and what it costs; 60 are a good while
  --mib N       N MiB each way for each of 20 clients, through a heap of 64 MiB; 256 are a good deal
  --host NAME   only this host, of
                ${hostNames.join(', ')}
`;

/** What each option takes; `--pairs 0` or a path that is none would pass without playing anything. */
const COUNT = /^[1-9]\d*$/;
const FORMS = {
  minutes: [/^(?:[1-9]\d*(?:\.\d+)?|0?\.\d*[1-9]\d*)$/, 'a number of minutes above 0, such as 5'],
  pairs: [COUNT, 'a whole number from 1 on, such as 10000'],
  soak: [COUNT, 'a whole number of seconds from 1 on, such as 60'],
  mib: [COUNT, 'a whole number of MiB from 1 on, such as 256'],
  host: [new RegExp(`^(?:${hostNames.join('|')})$`), `one of ${hostNames.join(', ')}`],
  replay: [/^-?\d+ \d+(?::\d+)*$/, "a seed and a path, such as '55 5:0:1'"],
};

function readOptions() {
  const options = { help: { type: 'boolean' } };
  for (const name of Object.keys(FORMS)) options[name] = { type: 'string' };
  const { values } = parseArgs({ options });
  for (const [name, [form, takes]] of Object.entries(FORMS)) {
    const value = values[name];
    if (value !== undefined && !form.test(value)) {
      throw new Error(`--${name} takes ${takes}, not '${value}'`);
    }
  }
  const modes = Object.keys(values).filter((name) => name !== 'host' && name !== 'help');
  if (modes.length > 1) throw new Error(`--${modes.join(' and --')} exclude each other; give one`);
  return values;
}

function vitest(file, options) {
  const args = [
    'vitest',
    'run',
    '--config',
    'test/vitest.config.ts',
    `test/torture/${file}.test.ts`,
  ];
  return spawn('npx', args, options);
}

/** Plays what prints a report of its own, and measures, so that nothing else runs at its side. */
function measure(file, env) {
  return new Promise((resolve) => {
    vitest(file, { env, stdio: 'inherit' }).on('exit', (code) => resolve(code === 0));
  });
}

/** Plays one host; resolves with whether all held. What a failure says is shown, else one line for the host. */
function play(host, env) {
  return new Promise((resolve) => {
    const child = vitest('torture', { env: { ...env, TORTURE_HOST: host, NO_COLOR: '1' } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text;
      });
    }
    child.on('close', (code) => {
      const summary = output.match(/^.*pairs in .*$/m)?.[0] ?? `${host}: nothing was played`;
      console.log(code === 0 ? summary : `${output}\n${host}: FAILED`);
      resolve(code === 0);
    });
  });
}

async function main({ help, host, ...modes }) {
  if (help === true || (host === undefined && Object.keys(modes).length === 0)) {
    console.log(USAGE);
    return true;
  }
  const env = { ...process.env };
  for (const [name, value] of Object.entries(modes)) env[`TORTURE_${name.toUpperCase()}`] = value;
  if (modes.soak !== undefined || modes.mib !== undefined) {
    if (host !== undefined) env.TORTURE_HOST = host;
    return measure(modes.soak === undefined ? 'faults-memory' : 'soak', env);
  }
  const hosts = host === undefined ? [...hostNames] : [host];
  const workers = Math.min(hosts.length, availableParallelism());
  if (modes.minutes !== undefined) env.TORTURE_MINUTES = (modes.minutes * workers) / hosts.length;
  let held = true;
  const work = async () => {
    for (let next = hosts.shift(); next !== undefined; next = hosts.shift()) {
      held = (await play(next, env)) && held;
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return held;
}

try {
  process.exitCode = (await main(readOptions())) ? 0 : 1;
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 1;
}
