import cluster, { type Worker } from 'node:cluster';
import { standardErrors } from '@wsgi/core/handlers';
import { onStopSignal, SUPERVISED_VARIABLE } from './signals.js';

/** A worker that lived at least this long may be replaced at once. */
const STEADY = 5_000;
const SHORTEST_DELAY = 100;
const LONGEST_DELAY = 30_000;

/**
 * Runs `count` copies of this process as workers that share one port, and replaces those that die: at once,
 * but with a growing delay when they keep dying young.
 *
 * The first one goes ahead: when it cannot begin to serve, none can, and the command ends with its exit code.
 *
 * Each worker accepts for itself. With Node's default, where this process accepts and hands on, a connection that a
 * worker could not take (it was killed, or had no descriptor left) would stay open here for ever, unanswered, and that
 * worker would be given no other.
 */
export function superviseWorkers(count: number): void {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  let isStopping = false;
  let serving = 0;
  let delay = 0;
  const started = new Map<Worker, number>();
  const delayed = new Set<NodeJS.Timeout>();

  const start = (): void => {
    if (!isStopping) started.set(cluster.fork({ [SUPERVISED_VARIABLE]: '1' }), Date.now());
  };
  const all = (signal: NodeJS.Signals): void => {
    for (const worker of started.keys()) worker.process.kill(signal);
  };

  cluster.on('listening', () => {
    serving++;
    if (serving === 1) for (let left = count - 1; left > 0; left--) start();
  });
  cluster.on('exit', (worker, code) => {
    const age = Date.now() - (started.get(worker) ?? 0);
    started.delete(worker);
    if (isStopping || serving === 0) {
      process.exitCode = isStopping ? 0 : code || 1;
      return;
    }
    delay = age >= STEADY ? 0 : Math.min(LONGEST_DELAY, Math.max(SHORTEST_DELAY, delay * 2));
    standardErrors.write(
      `wsgi: worker ${worker.process.pid} died; a new one starts in ${delay} ms\n`,
    );
    const timer = setTimeout(() => {
      delayed.delete(timer);
      start();
    }, delay);
    delayed.add(timer);
  });
  const finish = (): void => {
    isStopping = true;
    // This process ends when nothing is left to wait for.
    for (const timer of delayed) clearTimeout(timer);
    all('SIGTERM');
  };
  onStopSignal(finish, () => {
    all('SIGKILL');
    process.exit(1);
  });
  // A supervisor that was killed sends no signal. Listening for its end must not keep this process alive.
  process.on('disconnect', finish);
  process.channel?.unref();
  start();
}
