/** CPython beside the tests: a process of `helper.py`, asked in batches. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What came of one case, there or here. */
export type Outcome = { value: unknown } | { error: string };

/** Why there is no Python to compare with; undefined when there is one. Said aloud, once for each test file. */
export const whyNoPython: string | undefined = lookForPython();

interface Waiting {
  resolve(outcomes: Outcome[]): void;
  reject(error: Error): void;
}

export class Python {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #stderr = '';

  private constructor() {
    this.#child = spawn('python3', ['-I', '-B', join(import.meta.dirname, 'helper.py')]);
    this.#child.stderr.on('data', (text) => {
      this.#stderr += text;
    });
    this.#child.on('close', (code) => {
      const error = new Error(`helper.py ended with ${code}:\n${this.#stderr}`);
      for (const { reject } of this.#waiting.values()) reject(error);
    });
    createInterface(this.#child.stdout).on('line', (line) => {
      const { id, outcomes } = JSON.parse(line);
      this.#waiting.get(id)?.resolve(outcomes);
      this.#waiting.delete(id);
    });
  }

  static start(): Python {
    return new Python();
  }

  /** The outcomes of an operation of helper.py, one for each case. */
  ask(op: string, cases: readonly unknown[]): Promise<Outcome[]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, op, cases })}\n`);
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.stdin.end();
    await once(this.#child, 'close');
  }
}

function lookForPython(): string | undefined {
  const { error, stdout } = spawnSync(
    'python3',
    ['-c', 'import sys; print(sys.version_info[:2] >= (3, 8))'],
    {
      encoding: 'utf8',
    },
  );
  if (error === undefined && stdout.trim() === 'True') return undefined;
  const why = error === undefined ? 'python3 is older than 3.8' : `no python3: ${error.message}`;
  console.warn(`PARITY IS NOT TESTED: ${why}. Install Python 3.8 or newer.`);
  return why;
}
