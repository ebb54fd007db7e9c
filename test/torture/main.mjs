/** `pnpm torture`: the torture for as long as one wants. */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const USAGE = `pnpm torture [--minutes N] [--pairs N] [--host NAME] [--replay 'SEED PATH']

  --minutes N   pairs from fresh seeds for N minutes, shared among the hosts
  --pairs N     N pairs for each host, from the fixed list of seeds
  --host NAME   only this host, such as 'node:http' or 'Fastify 5'
  --replay      one pair again: the seed and path that a failure has printed
`;
const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    pairs: { type: 'string' },
    host: { type: 'string' },
    replay: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help === true || Object.keys(values).length === 0) {
  console.log(USAGE);
} else {
  const env = { ...process.env };
  for (const [name, value] of Object.entries(values)) env[`TORTURE_${name.toUpperCase()}`] = value;
  const args = [
    'vitest',
    'run',
    '--config',
    'test/vitest.config.ts',
    'test/torture/torture.test.ts',
  ];
  spawn('npx', args, { env, stdio: 'inherit' }).on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
