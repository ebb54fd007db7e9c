/** Set for a process whose supervisor hears Ctrl-C too, and passes it on as SIGTERM. */
export const SUPERVISED_VARIABLE = 'WSGI_SUPERVISED';

/**
 * Calls `finish` at the first SIGINT or SIGTERM, and `abort` at the second.
 *
 * Ctrl-C goes to every process of a terminal. A supervised one leaves it to its supervisor, or it would count
 * one Ctrl-C twice.
 */
export function onStopSignal(finish: () => void, abort: () => void): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) abort();
    else finish();
    isStopping = true;
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', process.env[SUPERVISED_VARIABLE] === undefined ? stop : () => {});
}
