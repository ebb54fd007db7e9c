import { performance } from 'node:perf_hooks';
import { onTestFinished, vi } from 'vitest';

/**
 * Stops the clock, so that a server takes each answer but the first for one that was given quickly, however busy the
 * machine is. Returns what starts it again.
 */
export function stopClock(): () => void {
  const spy = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  const start = (): void => spy.mockRestore();
  onTestFinished(start);
  return start;
}
