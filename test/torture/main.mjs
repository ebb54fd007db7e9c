/** `pnpm torture`: the torture for as long as one wants. */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const USAGE = `pnpm torture [--minutes N] [--pairs N] [--host NAME] [--replay 'SEED PATH'] [--soak N] [--mib N]

  --minutes N   pairs from fresh seeds for N minutes, shared among the hosts
  --pairs N     N pairs for each host, from the fixed list of seeds
  --host NAME   only this host, such as 'node:http' or 'Fastify 5'
  --replay      one pair again: the seed and path that a failure has printed
  --soak N      N seconds of mixed traffic with random faults for each host, and what it costs; 60 are a good while
  --mib N       N MiB each way for each of 20 clients, through a heap of 64 MiB; 256 are a good deal
`;
const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    pairs: { type: 'string' },
    host: { type: 'string' },
    replay: { type: 'string' },
    soak: { type: 'string' },
    mib: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help === true || Object.keys(values).length === 0) {
  console.log(USAGE);
} else {
  const env = { ...process.env };
  for (const [name, value] of Object.entries(values)) env[`TORTURE_${name.toUpperCase()}`] = value;
  const file = values.soak ? 'soak' : values.mib ? 'faults-memory' : 'torture';
  const args = [
    'vitest',
    'run',
    '--config',
    'test/vitest.config.ts',
    `test/torture/${file}.test.ts`,
  ];
  spawn('npx', args, { env, stdio: 'inherit' }).on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
