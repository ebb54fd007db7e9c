/**
 * Many bytes through little memory: 20 clients at a time send and take a stream each, where 64 MiB are all that the
 * server's heap may have. TORTURE_MIB is what each client sends and takes, in MiB: 8, or 256 in the long form.
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { connect, type Endpoint } from '../hosts/client/index.ts';
import { startHost } from './child.ts';
import { hosts } from './hosts.ts';
import { enter, printLedger } from './ledger.ts';

printLedger();

const MIB = 1024 * 1024;
const CLIENTS = 20;
const HEAP = 64;
/** What a process may hold beside its heap: Node itself, and the buffers of 20 sockets. */
const BESIDE = 128;

const volume = Number(process.env.TORTURE_MIB ?? 8) * MIB;

const BLOCK = Buffer.from(Array.from({ length: 65_536 }, (_, index) => index % 251));

/** The bytes that a client sends: blocks that each know their place. */
function* blocks(): Generator<Buffer> {
  for (let place = 0; place < volume; place += BLOCK.length) {
    const block = Buffer.from(BLOCK);
    block.writeUInt32BE(place / BLOCK.length);
    yield block;
  }
}

function digest(): string {
  const hash = createHash('sha1');
  for (const block of blocks()) hash.update(block);
  return hash.digest('hex');
}

/** Sends a stream and takes it back at the same time; gives the hash of what came back. */
async function echo(endpoint: Endpoint, sized: boolean): Promise<string> {
  const hash = createHash('sha1');
  const connection = await connect(endpoint);
  const exchange = connection.start({
    method: 'PUT',
    target: '/echo',
    upload: sized ? volume : 'unsized',
    sink: (chunk) => void hash.update(chunk),
  });
  const sending = (async () => {
    for (const block of blocks()) await exchange.send(block);
    exchange.finish();
  })().catch(() => {});
  const { complete } = await exchange.response;
  connection.close();
  await sending;
  return complete ? hash.digest('hex') : 'cut';
}

const only = process.env.TORTURE_HOST;

describe.each(hosts.filter(({ name }) => only === undefined || name === only))(
  '$name',
  ({ name }) => {
    it(`streams ${(CLIENTS * volume) / MIB} MiB each way with a heap of ${HEAP} MiB`, {
      timeout: 0,
    }, async () => {
      const child = await startHost(name, { node: [`--max-old-space-size=${HEAP}`] });
      const right = digest();
      const clients = Array.from({ length: CLIENTS }, (_, index) =>
        echo(child.endpoint, index % 2 === 0),
      );
      const answers = await Promise.all(clients);
      const answered = answers.filter((answer) => answer === right).length;
      const most = Math.ceil((await child.sample()).mostRss / MIB);
      console.log(`${name}: ${most} MiB at most for ${(CLIENTS * volume) / MIB} MiB each way`);
      expect(child.output).toBe('');
      enter(`${(CLIENTS * volume) / MIB} MiB each way through a heap of ${HEAP} MiB`, {
        clients: CLIENTS,
        answered,
        lost: CLIENTS - answered,
      });
      expect(most).toBeLessThan(HEAP + BESIDE);
    });
  },
);
