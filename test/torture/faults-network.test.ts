/** Clients that close or reset their connection under every host (EPIPE, ECONNRESET). What was lost: nothing. */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Application, readChunks } from '@wsgi/core';
import { describe, expect, it } from 'vitest';
import { type Connection, connect, type Exchange } from '../hosts/client/index.ts';
import type { Served } from '../hosts/stage.ts';
import { bigFile, serve, soon } from './faults.ts';
import { hosts } from './hosts.ts';
import { enter, printLedger } from './ledger.ts';

printLedger();

/** Clients that leave, and those that stay beside them with so many requests each. */
const LEAVING = 6;
const STAYING = 3;
const REQUESTS = 5;
const BLOCK = Buffer.alloc(65_536, 'a');
/** Past every buffer between an application and a client. */
const SIZE = 32_000_000;

/** Counts the ends of what an application has begun. */
class Work {
  begun = 0;
  ended = 0;
  endedAgain = 0;

  /** Gives what is to be called at the end, once. */
  begin(): () => void {
    this.begun += 1;
    let over = false;
    return () => {
      if (over) this.endedAgain += 1;
      else this.ended += 1;
      over = true;
    };
  }
}

type Form = [name: string, make: (work: Work) => Application | Promise<Application>];

const downloads: Form[] = [
  [
    'an iterable',
    (work) => (_environ, startResponse) => {
      startResponse('200 OK', []);
      const next = () => ({ value: BLOCK });
      return { [Symbol.iterator]: () => ({ next }), close: work.begin() };
    },
  ],
  [
    'an async generator',
    (work) => (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', String(1e12)]]);
      const body = (async function* () {
        for (;;) yield BLOCK;
      })();
      return Object.assign(body, { close: work.begin() });
    },
  ],
  [
    'write',
    (work) => async (_environ, startResponse) => {
      const end = work.begin();
      try {
        const write = startResponse('200 OK', []);
        for (;;) await write(BLOCK);
      } finally {
        end();
      }
    },
  ],
  [
    'a file wrapper',
    async (work) => {
      const path = await bigFile(SIZE);
      return async (environ, startResponse) => {
        const file = await open(path);
        const end = work.begin();
        const close = file.close.bind(file);
        file.close = () => {
          end();
          return close();
        };
        startResponse('200 OK', []);
        return new environ['wsgi.file_wrapper'](file);
      };
    },
  ],
];

const uploads: Form[] = [
  [
    'an application that reads before it answers',
    (work) => async (environ, startResponse) => {
      const end = work.begin();
      try {
        await environ['wsgi.input'].read();
        startResponse('200 OK', []);
        return [];
      } finally {
        end();
      }
    },
  ],
  [
    'an application that answers while it reads',
    (work) => (environ, startResponse) => {
      startResponse('200 OK', []);
      return Object.assign(readChunks(environ['wsgi.input']), { close: work.begin() });
    },
  ],
];

type Leave = (exchange: Exchange, connection: Connection) => void;

const leavings: Array<[how: string, leave: Leave]> = [
  ['resets', (exchange) => exchange.abort()],
  ['closes', (_exchange, connection) => connection.close()],
];

/** Takes some of a download; every other client then reads no more, so that the server waits for it. */
async function download(served: Served, stalls: boolean, leave: Leave): Promise<Connection> {
  const connection = await connect(served);
  let received = 0;
  const exchange = connection.start({
    target: '/',
    sink: (chunk) => {
      received += chunk.length;
    },
  });
  await soon(() => received).toBeGreaterThan(100_000);
  if (stalls) exchange.pause();
  if (stalls) await sleep(20);
  leave(exchange, connection);
  return connection;
}

async function upload(served: Served, sized: boolean, leave: Leave): Promise<Connection> {
  const connection = await connect(served);
  const kind = sized ? SIZE : ('unsized' as const);
  const exchange = connection.start({ method: 'PUT', target: '/', upload: kind, sink: () => {} });
  for (let sent = 0; sent < 300_000; sent += BLOCK.length) await exchange.send(BLOCK);
  leave(exchange, connection);
  return connection;
}

/** Requests beside the fault; gives how many were lost. */
async function stay(served: Served): Promise<number> {
  const connection = await connect(served);
  let lost = 0;
  for (let left = REQUESTS; left > 0; left -= 1) {
    const { text, complete } = await connection.start({ target: '/?ok' }).response;
    if (text !== 'ok' || !complete) lost += 1;
    await sleep(5);
  }
  connection.close();
  return lost;
}

const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

describe.each(hosts)('$name', (host) => {
  describe.each(leavings)('a client that %s', (how, leave) => {
    async function run(
      fault: string,
      make: Form[1],
      client: (served: Served, index: number) => Promise<Connection>,
    ): Promise<void> {
      const work = new Work();
      const served = await serve(host, await make(work));
      const leaving = times(LEAVING, (index) => client(served, index));
      const lost = await times(STAYING, () => stay(served));
      const left = await leaving;
      lost.push(await stay(served));
      await soon(() => work.ended).toBe(LEAVING);
      for (const connection of left) connection.close();
      expect(work.begun).toBe(LEAVING);
      expect(work.endedAgain).toBe(0);
      expect(served.reported()).toBe('');
      enter(fault, {
        left: LEAVING,
        'closed once': work.ended,
        'answered beside and after': (STAYING + 1) * REQUESTS,
        lost: lost.reduce((sum, count) => sum + count),
      });
    }

    it.each(downloads)('during a download of %s costs nobody else anything', (_form, make) =>
      run(`a client that ${how} during a download`, make, (served, index) =>
        download(served, index % 2 === 0, leave),
      ),
    );

    it.each(uploads)('during an upload to %s costs nobody else anything', (_form, make) =>
      run(`a client that ${how} during an upload`, make, (served, index) =>
        upload(served, index % 2 === 0, leave),
      ),
    );
  });
});
