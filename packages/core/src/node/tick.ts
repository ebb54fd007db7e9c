import { executionAsyncResource } from 'node:async_hooks';

let kept: object | undefined;

/**
 * Keeps one of the entries that `process.nextTick` makes.
 *
 * Node makes half a dozen of them for each request. V8 forgets what they look like when its collector finds none
 * alive, as it does when a server has nothing to do, and from then on makes each of them slowly, for as long as the
 * process lives: a request then takes a fifth longer and more.
 */
export function keepTick(): void {
  if (kept !== undefined) return;
  process.nextTick(() => {
    kept = executionAsyncResource();
  });
}
