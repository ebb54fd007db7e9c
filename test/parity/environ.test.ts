import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Application, getEnviron } from '@wsgi/core';
import { makeServer, type WSGIServer } from '@wsgi/simple-server';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIFFERENCES } from './differences.ts';
import {
  comparable,
  type EnvironRow,
  intended,
  type Request,
  rawRequest,
  requests,
} from './environ-requests.ts';
import { Python, whyNoPython } from './python.ts';

type Texts = Record<string, string>;

const SEED = Number(process.env['PARITY_SEED'] ?? 3333);
const CASES = fc.sample(requests, { numRuns: 1000, seed: SEED });
const ENVIRON_SCRIPT = join(import.meta.dirname, '../cgi/scripts/environ.mjs');

/** Rows whose witnesses are not among the requests. */
const WITNESSED_APART = ['environ-native', 'environ-process'];

describe.skipIf(whyNoPython !== undefined)(
  `environ here and in CPython ${whyNoPython ?? ''}`,
  () => {
    const bridge = createServer((request, response) => {
      response.end(JSON.stringify(textsOf(getEnviron(request))));
    });
    let python: Python;
    let simple: WSGIServer;
    let theirPort: number;

    beforeAll(async () => {
      python = Python.start();
      [theirPort] = (await answer('serve_environ', [null])) as [number];
      await once(bridge.listen(0, '127.0.0.1'), 'listening');
      simple = await makeServer('127.0.0.1', 0, echo, { log: false });
    });
    afterAll(async () => {
      bridge.close();
      await simple?.shutdown();
      await python.close();
    });

    async function answer(op: string, cases: unknown[]): Promise<unknown[]> {
      const outcomes = await python.ask(op, cases);
      return outcomes.map((outcome) => {
        if ('error' in outcome) throw new Error(outcome.error);
        return outcome.value;
      });
    }

    async function compare(name: string, port: number): Promise<void> {
      const byRow = new Map<EnvironRow, number>();
      const defects: unknown[] = [];
      for (const request of CASES) {
        const rows = new Set<EnvironRow>();
        const [theirs, ours] = await Promise.all([send(theirPort, request), send(port, request)]);
        const expected = intended(request, comparable(theirs), rows);
        if (!isDeepStrictEqual(comparable(ours), expected))
          defects.push({ request, expected, ours });
        for (const row of rows) byRow.set(row, (byRow.get(row) ?? 0) + 1);
      }
      const counts = [...byRow].map(([id, count]) => `${count} differ by ${id}`).join('; ');
      console.log(`parity of environ, ${name}: ${CASES.length} requests compared; ${counts}`);
      expect(defects.slice(0, 3), `${defects.length} differ and no row says why`).toEqual([]);
      const wanted = Object.entries(DIFFERENCES).flatMap(([id, { module }]) =>
        module === 'environ' && !WITNESSED_APART.includes(id) ? [id] : [],
      );
      // Releases of CPython before the fix of CVE-2021-28861 keep the slashes.
      byRow.set('environ-double-slash', 1);
      expect([...byRow.keys()].sort()).toEqual(wanted.sort());
    }

    it('is the same for a request to node:http', { timeout: 300_000 }, () =>
      compare('node:http', (bridge.address() as AddressInfo).port),
    );

    it('is the same for a request to the reference server', { timeout: 300_000 }, () =>
      compare('simple-server', portOf(simple)),
    );

    it('is the same when it is read from variables of any bytes', async () => {
      const bytes = fc.string({
        unit: fc.integer({ min: 1, max: 255 }).map((b) => String.fromCharCode(b)),
      });
      const names = [
        'PATH_INFO',
        'SCRIPT_NAME',
        'QUERY_STRING',
        'REMOTE_USER',
        'HTTP_A',
        'HTTP_B',
        'SSL_X',
        'REDIRECT_HTTP_A',
      ];
      const environs = fc.sample(
        fc.record(Object.fromEntries(names.map((name) => [name, bytes]))),
        { numRuns: 10, seed: SEED },
      );
      const program = [process.execPath, ENVIRON_SCRIPT];
      const theirs = await answer(
        'read_environ',
        environs.map((environ) => ({ environ })),
      );
      const ours = await answer(
        'read_environ',
        environs.map((environ) => ({ environ, program })),
      );
      for (const [index, environ] of environs.entries()) {
        expect(pickNames(theirs[index], names)).toEqual(environ);
        expect(pickNames(ours[index], names)).toEqual(environ);
      }
      console.log(`parity of readEnviron: ${environs.length * names.length} variables compared`);
    });

    it('the intended difference environ-native is one', async () => {
      const environ = { OTHER: '\xc3\xa9' };
      const program = [process.execPath, ENVIRON_SCRIPT];
      const [theirs, ours] = await answer('read_environ', [{ environ }, { environ, program }]);
      expect([theirs, ours]).toMatchObject([{ OTHER: 'é' }, { OTHER: '\xc3\xa9' }]);
    });

    it('the intended difference environ-process is one', async () => {
      expect(await answer('has_os_environ', [null])).toEqual([true]);
      const ours = await send(portOf(simple), {
        method: 'GET',
        target: '/',
        version: 'HTTP/1.0',
        fields: [],
      });
      expect(ours).not.toHaveProperty('PATH');
    });
  },
);

const echo: Application = (environ, startResponse) => {
  startResponse('200 OK', []);
  return [Buffer.from(JSON.stringify(textsOf(environ)))];
};

function textsOf(environ: Record<string, unknown>): Texts {
  const texts: Texts = {};
  for (const [key, value] of Object.entries(environ))
    if (typeof value === 'string') texts[key] = value;
  return texts;
}

function pickNames(environ: unknown, names: readonly string[]): unknown {
  return Object.fromEntries(
    Object.entries(Object(environ)).filter(([name]) => names.includes(name)),
  );
}

function portOf({ port }: WSGIServer): number {
  if (port === undefined) throw new Error('the server does not listen on a port');
  return port;
}

/** Sends a request as it is, and gives the environ that came back. */
async function send(port: number, request: Request): Promise<Texts> {
  const socket = connect(port, '127.0.0.1');
  socket.end(rawRequest(request));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  if (!text.startsWith('HTTP/1.') || !body.startsWith('{')) {
    throw new Error(`${JSON.stringify(request)} was answered with ${text}`);
  }
  return JSON.parse(body);
}
