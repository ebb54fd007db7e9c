/** The `wsgi` command. `bin/wsgi.js` imports this module, and that runs it. */
import cluster from 'node:cluster';
import { type Arguments, parseArguments, USAGE } from './cli/arguments.js';
import { describeFault } from './cli/fault.js';
import { superviseReloads } from './cli/reload.js';
import { makeRoomForWorkers, serve } from './cli/serve.js';
import { onStopSignal } from './cli/signals.js';
import { superviseWorkers } from './cli/workers.js';
import { softwareVersion } from './version.js';

async function main(): Promise<void> {
  const args = parseArguments(process.argv.slice(2));
  if (args.wants === 'help') process.stdout.write(USAGE);
  else if (args.wants === 'version') process.stdout.write(`${softwareVersion}\n`);
  else if (args.reload && cluster.isPrimary && process.argv[1] !== undefined) {
    superviseReloads(
      process.argv[1],
      process.argv.slice(2).filter((arg) => arg !== '--reload'),
      args.host,
    );
  } else if (args.workers > 1 && cluster.isPrimary) {
    await makeRoomForWorkers(args);
    superviseWorkers(args.workers);
  } else await run(args);
}

async function run(args: Arguments): Promise<void> {
  const server = await serve(args);
  onStopSignal(
    () => void server.shutdown().then(() => process.exit(0)),
    () => process.exit(1),
  );
  process.on('disconnect', () => void server.shutdown().then(() => process.exit(0)));
  // Last: whoever reads it may send a signal at once. Of several workers the first one speaks for all.
  if (!args.quiet && (cluster.worker?.id ?? 1) === 1) {
    const name = args.application ?? 'the demo application';
    process.stdout.write(`Serving ${name} on ${server.url} (Ctrl-C stops)\n`);
  }
}

main().catch((error: unknown) => {
  // Where a module cannot be read, Node alone knows the place, and shows it when it ends the process.
  if (error instanceof SyntaxError) throw error;
  process.stderr.write(`${describeFault(error)}\n`);
  process.exit(1);
});
