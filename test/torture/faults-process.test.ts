/** Faults of a server's process: more clients than it has room or descriptors for. What was lost is printed: nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Connection, connect } from '../hosts/client/index.ts';
import { type Child, type Circumstances, startCommand, startHost } from './child.ts';
import { bigFile, soon } from './faults.ts';
import { hosts } from './hosts.ts';
import { enter, printLedger } from './ledger.ts';

printLedger();

type Server = [name: string, start: (circumstances?: Circumstances) => Promise<Child>];

const host = (name: string): Server => [name, (circumstances) => startHost(name, circumstances)];
const command: Server = ['the wsgi command', (circumstances) => startCommand([], circumstances)];
const workers: Server = [
  'two workers of the wsgi command',
  (circumstances) => startCommand(['--workers', '2'], circumstances),
];

/** More than the 511 connections that Node lets the system hold for a server. */
const CROWD = 700;
/** Enough for Node to begin with, and far fewer than the clients that come. */
const DESCRIPTORS = 64;
/** How long a client waits for an answer, in milliseconds: one that is held up gets none at all. */
const PATIENCE = 5_000;

/** Clients that ask once each, and keep their connections. */
class Crowd {
  readonly #child: Child;
  readonly #connections: Connection[] = [];
  served = 0;
  turnedAway = 0;
  /** Those that had no answer, and no end of their connection either, or a wrong answer. */
  lost = 0;

  constructor(child: Child) {
    this.#child = child;
  }

  async join(): Promise<void> {
    const connection = await connect(this.#child.endpoint).catch(() => undefined);
    const asked = connection?.start({ target: '/ok' }).response;
    const answer = await Promise.race([asked, sleep(PATIENCE, 'none' as const)]);
    if (answer === 'none') this.lost += 1;
    else if (answer === undefined || answer.status === 0) this.turnedAway += 1;
    else if (answer.text !== 'ok' || !answer.complete) this.lost += 1;
    else {
      this.served += 1;
      if (connection !== undefined) this.#connections.push(connection);
      return;
    }
    connection?.close();
  }

  /** The connection that was served last. */
  get last(): Connection {
    const connection = this.#connections.at(-1);
    if (connection === undefined) throw new Error('nobody was served');
    return connection;
  }

  /** All leave, but for whoever stays. */
  leave(stays?: Connection): void {
    for (const connection of this.#connections) if (connection !== stays) connection.close();
  }

  /** All leave; then all are served that come, by each process. */
  async checkAndLeave(fault: string): Promise<void> {
    this.leave();
    const next = async () => (await this.#child.fetch('/ok')).text;
    await soon(next).toBe('ok');
    for (let left = 10; left > 0; left -= 1) expect(await next()).toBe('ok');
    expect(this.#child.alive).toBe(true);
    const { served, turnedAway, lost } = this;
    expect(served).toBeGreaterThan(0);
    expect(turnedAway).toBeGreaterThan(0);
    enter(fault, { served, 'turned away': turnedAway, lost });
  }
}

describe.each([host('node:http'), host('simple-server'), workers])('%s', (_name, start) => {
  it('answers every client of a crowd that overflows the backlog while the process is busy', async () => {
    const child = await start();
    const busy = [1, 2].map(() => child.fetch('/busy?700'));
    await sleep(50);
    const crowd = await Promise.all(Array.from({ length: CROWD }, () => child.fetch('/ok')));
    await Promise.all(busy);
    const answered = crowd.filter(({ text, complete }) => text === 'ok' && complete).length;
    enter('a full backlog', { clients: CROWD, answered, lost: CROWD - answered });
    expect((await child.fetch('/ok')).text).toBe('ok');
  });

  it('survives a crowd that it has no descriptors for, and serves when the crowd has left', async () => {
    const child = await start({ descriptors: DESCRIPTORS });
    const crowd = new Crowd(child);
    await Promise.all(Array.from({ length: 3 * DESCRIPTORS }, () => crowd.join()));
    await crowd.checkAndLeave('no descriptors for a crowd');
  });
});

describe.each([...hosts.map(({ name }) => host(name)), command])('%s', (_name, start) => {
  it('answers 500 when the application has no descriptor for a file, and sends it when there is one', async () => {
    const size = 1_000_000;
    const child = await start({
      descriptors: DESCRIPTORS,
      env: { TORTURE_FILE: await bigFile(size) },
    });
    const crowd = new Crowd(child);
    const file = (connection: Connection) => connection.start({ target: '/file' }).response;
    await crowd.join();
    let refusal = await file(crowd.last);
    // On a slow machine connections that are idle for long are closed meanwhile, and descriptors are free again.
    while (refusal.status !== 500) {
      const before = crowd.turnedAway;
      while (crowd.turnedAway === before) await crowd.join();
      refusal = await file(crowd.last);
    }
    expect(refusal.complete).toBe(true);
    await soon(() => child.output).toContain('EMFILE');
    await crowd.checkAndLeave('no descriptor for a file');
    const { status, body, complete } = await child.fetch('/file');
    expect([status, body.length, complete]).toEqual([200, size, true]);
  });
});

describe('two workers of the wsgi command', () => {
  it('serve again after each of them has run out of descriptors', async () => {
    const child = await workers[1]({ descriptors: DESCRIPTORS });
    const crowd = new Crowd(child);
    for (let left = 4 * DESCRIPTORS; left > 0; left -= 1) await crowd.join();
    await crowd.checkAndLeave('no descriptors in any worker');
  });
});
