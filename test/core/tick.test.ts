import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** How many of `process.nextTick`'s entries outlive a collection, in a process that runs `code` first. */
async function ticksLeft(code: string): Promise<number> {
  const script = `
    import { createHook } from 'node:async_hooks';
    const ticks = [];
    createHook({
      init(_id, type, _trigger, resource) {
        if (type === 'TickObject') ticks.push(new WeakRef(resource));
      },
    }).enable();
    ${code};
    for (let turn = 0; turn < 3; turn += 1) {
      process.nextTick(() => {});
      await new Promise((resolve) => setTimeout(resolve));
      gc();
    }
    console.log(ticks.filter((tick) => tick.deref() !== undefined).length);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--input-type=module', '--eval', script],
    { cwd: import.meta.dirname },
  );
  return Number(stdout);
}

it('keeps one entry of process.nextTick, by which V8 knows the others, and no more', async () => {
  expect(await ticksLeft('')).toBe(0);
  expect(await ticksLeft("await import('@wsgi/core/node')")).toBe(1);
});
