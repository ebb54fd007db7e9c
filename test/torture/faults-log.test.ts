/** A standard error that takes nothing more: a full disk under the log, a pipe whose reader has ended. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Child, type Circumstances, startCommand, startHost } from './child.ts';
import { soon, temporaryFolder } from './faults.ts';
import { enter, printLedger } from './ledger.ts';

printLedger();

const FULL = '/dev/full';
const hasFull = existsSync(FULL);
if (!hasFull) console.warn(`NOT TESTED: a log on a full disk, since this system has no ${FULL}`);

type Start = (circumstances: Circumstances) => Promise<Child>;

/** The log on a full disk. */
function onFullDisk(start: Start, env: Circumstances['env'] = {}): Promise<Child> {
  const stderr = openSync(FULL, 'w');
  onTestFinished(() => closeSync(stderr));
  return start({ stderr, env });
}

/** The log in a pipe that nobody reads any more. */
async function intoClosedPipe(start: Start, env: Circumstances['env'] = {}): Promise<Child> {
  const child = await start({ env });
  child.process.stderr?.destroy();
  return child;
}

const logs = [
  ['a full disk', onFullDisk],
  ['a closed pipe', intoClosedPipe],
] as const;

const servers: Array<[name: string, start: Start]> = [
  ['node:http', (circumstances) => startHost('node:http', circumstances)],
  ['Express 5', (circumstances) => startHost('Express 5', circumstances)],
  ['simple-server', (circumstances) => startHost('simple-server', circumstances)],
  ['the wsgi command', (circumstances) => startCommand([], circumstances)],
];

const REQUESTS = 5;

async function countLost(child: Child): Promise<number> {
  let lost = 0;
  for (let left = REQUESTS; left > 0; left -= 1) {
    if ((await child.fetch('/throw')).status !== 500) lost += 1;
    if ((await child.fetch('/ok')).text !== 'ok') lost += 1;
  }
  return lost;
}

describe.each(logs)('a log in %s', (log, begin) => {
  it.runIf(hasFull || begin === intoClosedPipe).each(servers)(
    'does not end %s',
    async (_name, start) => {
      const child = await begin(start);
      const lost = await countLost(child);
      expect(child.alive).toBe(true);
      enter(`a log in ${log}`, { answered: 2 * REQUESTS - lost, lost });
    },
  );

  it.runIf(hasFull || begin === intoClosedPipe)(
    'does not end the supervisor of two workers',
    async () => {
      const journal = join(await temporaryFolder(), 'journal');
      const workers: Start = (circumstances) => startCommand(['--workers', '2'], circumstances);
      const child = await begin(workers, { TORTURE_JOURNAL: journal });
      const seen = async (): Promise<number[]> => {
        await child.fetch('/work?0');
        const lines = (await readFile(journal, 'utf8')).split('\n').slice(0, -1);
        return [...new Set(lines.map((line) => Number.parseInt(line, 10)))];
      };
      await soon(async () => (await seen()).length).toBe(2);
      const [killed = 0] = await seen();
      process.kill(killed, 'SIGKILL');
      await soon(async () => (await seen()).length).toBe(3);
      const lost = await countLost(child);
      expect(child.alive).toBe(true);
      enter(`a log in ${log}`, { answered: 2 * REQUESTS - lost, lost });
    },
  );
});
