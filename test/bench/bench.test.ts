import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'wsgi-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = {
  cwd: import.meta.dirname,
  // Where the measurement puts its temporary files.
  env: { ...process.env, TMPDIR: folder },
  encoding: 'utf8',
} as const;

function run(script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], options);
  return { status, stdout, stderr };
}
const hasWrk = spawnSync('wrk', ['-v']).error === undefined;
if (!hasWrk) console.warn('wrk is not installed: the benchmark is not run by the tests');

describe('The benchmark says in a line what is wrong, before it measures', () => {
  test.each([
    [['--nope'], "Unknown option '--nope'"],
    [['text'], "Unexpected argument 'text'. This command does not take positional arguments"],
    [['--only', 'nope'], "there is no item and no server named 'nope'"],
    [['--rounds', '1.5'], "--rounds takes a whole number from 1 on, not '1.5'"],
    [['--seconds', 'abc'], "--seconds takes a whole number from 1 on, not 'abc'"],
    [['--seconds', '0.5'], "--seconds takes a whole number from 1 on, not '0.5'"],
    [['--warm-up', '0'], "--warm-up takes a whole number from 1 on, not '0'"],
    [['--base', 'nope'], "there is no server named 'nope'"],
    [['--base', 'canned reply (node:net)'], 'canned reply (node:net) does text only, and not json'],
    [
      ['--only', 'json', '--only', 'canned reply (node:net)'],
      'canned reply (node:net) does text only',
    ],
    [['--json', folder], `${folder} cannot be written: it is a folder`],
  ])('%j', (args, line) => {
    const { status, stdout, stderr } = run('bench.mjs', ...args);
    expect(stderr.split('\n')[0]).toBe(`bench: ${line}`);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });

  test.each([
    ['scale.mjs', 'abc'],
    ['scale.mjs', '0'],
    ['idle-connections.mjs', '--help'],
  ])('%s %s', (script, argument) => {
    const { status, stdout, stderr } = run(script, argument);
    expect(stderr).toMatch(
      new RegExp(`^usage: node test/bench/${script} .*, not '${argument}'\n$`),
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });
});

const measuring = { timeout: 60_000 };

const brief = ['--seconds', '1', '--warm-up', '1'];

describe.runIf(hasWrk && process.platform === 'linux')('The benchmark', measuring, () => {
  afterEach(() => expect(readdirSync(folder)).toEqual([]));

  test('reckons medians, spreads and paired ratios from the figures that it writes', () => {
    const figures = join(folder, 'figures.json');
    const args = ['--only', 'text', '--only', '@wsgi/http', '--rounds', '2', ...brief];
    const { stdout } = run('bench.mjs', ...args, '--json', figures);
    const { machine, measured } = JSON.parse(readFileSync(figures, 'utf8'));
    rmSync(figures);
    expect(Object.keys(machine.versions)).toContain('hono');
    const [base, ours] = measured.text;
    expect([base.server, ours.server]).toEqual(['node:http', '@wsgi/http']);
    const ratios = ours.rates.map((rate: number, turn: number) => rate / base.rates[turn]);
    const mean = ([one, other]: number[]) => ((one ?? NaN) + (other ?? NaN)) / 2;
    const sorted = [...ours.rates].sort((a, b) => a - b).map((rate) => rate.toFixed(0));
    const cells = [mean(ours.rates).toFixed(0), sorted.join(' to '), mean(ratios).toFixed(2)];
    expect(stdout).toContain(`| @wsgi/http | ${cells.join(' | ')} |`);
  });

  test('says of 64 MiB streams how much memory they take, and whether that is within its bounds', () => {
    const figures = join(folder, 'figures.json');
    const args = ['--only', 'file', '--only', '@wsgi/http', '--rounds', '1', ...brief];
    const { stdout } = run('bench.mjs', ...args, '--json', figures);
    const [base, ours] = JSON.parse(readFileSync(figures, 'utf8')).measured.file;
    rmSync(figures);
    expect([base.server, ours.server]).toEqual(['node:http', '@wsgi/http']);
    const taken = ours.memory.peak - ours.memory.idle;
    const verdict = taken <= 32 ? 'met' : '**missed**';
    const line = `| file | @wsgi/http | its memory when idle | +32 MiB | +${taken.toFixed(0)} MiB | ${verdict} |`;
    expect(stdout.split('\n').filter((row) => row.includes('its memory'))).toEqual([line]);
  });

  test('counts events over the time that they took', () => {
    const figures = join(folder, 'figures.json');
    const args = ['--only', 'events', '--only', 'node:http', '--rounds', '1', '--seconds', '9'];
    run('bench.mjs', ...args, '--json', figures);
    const [{ rates, p99, cpu }] = JSON.parse(readFileSync(figures, 'utf8')).measured.events;
    rmSync(figures);
    // All 20,000 events, whose processor time the system tells in steps of 10 ms.
    const steps = (cpu[0] * 20_000) / 10_000;
    expect(steps).toBeCloseTo(Math.round(steps), 6);
    expect(p99[0] / 1000).toBeLessThanOrEqual(20_000 / rates[0]);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at %s with all that it has started',
    async (signal) => {
      const args = ['bench.mjs', '--only', 'text', '--only', 'node:http', '--seconds', '60'];
      const bench = spawn(process.execPath, args, { ...options, stdio: 'ignore' });
      // The server and wrk at work; before them it asks a wrk for its version.
      let children: string[] = [];
      while (children.length < 2 || !children.some((child) => child.startsWith('wrk'))) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        children = started(bench.pid);
      }
      bench.kill(signal);
      expect((await once(bench, 'exit'))[0]).toBe(signal === 'SIGINT' ? 130 : 143);
      for (const child of children) await gone(child.split(' ')[1] ?? '');
    },
  );
});

/** The children of a process, each as `name id`. */
function started(pid: number | undefined): string[] {
  const ids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? [];
  return ids.map((id) => `${ofProcess(id, 'Name')} ${id}`);
}

/** A line of a process's status; `''` when it is gone. */
function ofProcess(pid: number | string, key: string): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return new RegExp(`^${key}:\\s+(\\w+)`, 'm').exec(status)?.[1] ?? '';
  } catch {
    return '';
  }
}

/** Waits for the end of a process that is no child of ours; the test's own time limit ends the wait. */
async function gone(pid: string): Promise<void> {
  // A zombie is gone, but for its parent to look.
  while (!['', 'Z', 'X'].includes(ofProcess(pid, 'State'))) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
