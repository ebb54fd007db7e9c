/** Signals under load: a worker that is killed, a server that is told to stop. What was lost is printed: nothing. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Connection, connect } from '../hosts/client/index.ts';
import { type Child, startCommand } from './child.ts';
import { soon, temporaryFolder } from './faults.ts';
import { enter, printLedger } from './ledger.ts';

printLedger();

const CLIENTS = 16;
/** Requests on a connection before its client takes a new one. */
const KEPT = 3;
/** How long a client waits for an answer of some 60 ms, in milliseconds. */
const PATIENCE = 10_000;

/** What a client saw of its request: all of the answer, a part, nothing before the connection ended, or no end. */
type Seen = 'whole' | 'part' | 'nothing' | 'no end';

/** Clients that ask without a pause, and a server that writes down which requests it has read. */
class Load {
  readonly #journal: string;
  readonly #seen = new Map<number, Seen>();
  #clients: Array<Promise<void>> = [];
  #stopping = false;

  private constructor(journal: string) {
    this.#journal = journal;
  }

  static async on(args: readonly string[]): Promise<[Load, Child]> {
    const journal = join(await temporaryFolder(), 'journal');
    await writeFile(journal, '');
    const load = new Load(journal);
    const child = await startCommand(args, { env: { TORTURE_JOURNAL: journal } });
    load.#clients = Array.from({ length: CLIENTS }, () => load.#ask(child));
    return [load, child];
  }

  async #ask(child: Child): Promise<void> {
    while (!this.#stopping && child.alive) {
      const connection = await connect(child.endpoint).catch(() => undefined);
      if (connection === undefined) {
        await sleep(20);
        continue;
      }
      for (let left = KEPT; left > 0 && !connection.closed; left -= 1)
        await this.#request(connection);
      connection.close();
    }
  }

  async #request(connection: Connection): Promise<void> {
    const id = this.#seen.size;
    this.#seen.set(id, 'no end');
    const exchange = connection.start({ target: `/work?${id}` });
    const answer = await Promise.race([
      exchange.response,
      sleep(PATIENCE, undefined, { ref: false }),
    ]);
    if (answer === undefined) return;
    const whole = answer.complete && answer.text === `${id};`.repeat(10);
    this.#seen.set(id, whole ? 'whole' : answer.status === 0 ? 'nothing' : 'part');
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
  }

  /** The process that has read each request. */
  async readers(): Promise<Map<number, number>> {
    const lines = (await readFile(this.#journal, 'utf8')).split('\n').slice(0, -1);
    return new Map(
      lines.map((line) => {
        const [pid, id] = line.split(' ').map(Number);
        return [id ?? -1, pid ?? -1];
      }),
    );
  }

  async processes(): Promise<Set<number>> {
    return new Set((await this.readers()).values());
  }

  /** Counts what became of the requests, where process `killed` could not help those that it had. */
  async account(killed?: number) {
    const readers = await this.readers();
    const counts = { answered: 0, 'cut with their process': 0, 'never read': 0, lost: 0 };
    for (const [id, seen] of this.#seen) {
      const reader = readers.get(id);
      if (seen === 'whole') counts.answered += 1;
      else if (seen === 'no end') counts.lost += 1;
      else if (reader === undefined && seen === 'nothing') counts['never read'] += 1;
      else if (reader !== undefined && reader === killed) counts['cut with their process'] += 1;
      else counts.lost += 1;
    }
    return counts;
  }
}

describe('a worker that is killed under load', () => {
  it('takes only its own requests with it, and is replaced', async () => {
    const [load, child] = await Load.on(['--workers', '2']);
    await soon(async () => (await load.processes()).size).toBe(2);
    await sleep(200);
    // The one that has read a request last is at work.
    const killed = [...(await load.readers()).values()].at(-1) ?? 0;
    process.kill(killed, 'SIGKILL');
    await child.says(new RegExp(`worker ${killed} died`));
    await soon(async () => (await load.processes()).size).toBe(3);
    await sleep(200);
    await load.stop();
    const counts = await load.account(killed);
    expect(counts['cut with their process']).toBeGreaterThan(0);
    // No more than the dead one had connections: what a client asked after that, another worker answers.
    expect(counts['cut with their process'] + counts['never read']).toBeLessThanOrEqual(CLIENTS);
    enter('a worker killed under load', counts);
  });
});

describe.each([
  ['the wsgi command', []],
  ['two workers', ['--workers', '2']],
])('%s', (name, args) => {
  it('answers every request that it has read when SIGTERM comes under load, and ends', async () => {
    const [load, child] = await Load.on(args);
    await soon(async () => (await load.processes()).size).toBe(args.length === 0 ? 1 : 2);
    await sleep(200);
    child.process.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    await load.stop();
    const counts = await load.account();
    expect(counts.answered).toBeGreaterThan(CLIENTS);
    enter(`SIGTERM to ${name} under load`, counts);
    await expect(connect(child.endpoint)).rejects.toThrow('ECONNREFUSED');
  });
});
