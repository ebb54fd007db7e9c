import { spawn } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectSecurely } from 'node:tls';
import type { Application, Environ } from '@wsgi/core';
import { makeServer, WSGIServer } from '@wsgi/simple-server';
import { expect, it, onTestFinished } from 'vitest';
import { selfSigned } from '../hosts/certificate.ts';
import { echo } from './support.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'wsgi-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function serveAt(path: string): Promise<WSGIServer> {
  const server = await makeServer(path, 0, echo, { log: false });
  onTestFinished(() => server.close());
  return server;
}

function statusOf(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ socketPath, agent: false }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });
}

/** The path of a socket whose server was killed. */
async function leftBehind(): Promise<string> {
  const path = join(await folder(), 'socket');
  const listenAndDie = `net.createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['--eval', listenAndDie, path]), 'exit');
  expect(lstatSync(path).isSocket()).toBe(true);
  return path;
}

it('takes the place of a socket whose server was killed', async () => {
  const path = await leftBehind();
  const server = await serveAt(path);
  expect(await statusOf(path)).toBe(200);
  await server.shutdown();
  expect(() => lstatSync(path)).toThrow('ENOENT');
  expect(server.address()).toBeNull();
});

it.each([
  ['http', '80', undefined],
  ['https', '443', selfSigned()],
])('says nothing of a client that has no address: %s', async (scheme, port, tls) => {
  const path = join(await folder(), 'socket');
  const seen: Environ[] = [];
  const app: Application = (environ, startResponse) => {
    seen.push(environ);
    return echo(environ, startResponse);
  };
  const server = await makeServer(path, 0, app, { log: false, tls });
  onTestFinished(() => server.close());
  const socket =
    tls === undefined ? connect(path) : connectSecurely({ path, rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  socket.write('GET / HTTP/1.0\r\n\r\n');
  await text(socket);
  const named = { SERVER_NAME: 'localhost', SERVER_PORT: port, 'wsgi.url_scheme': scheme };
  expect(seen).toEqual([expect.objectContaining(named)]);
  expect(Object.keys(seen[0] ?? {}).filter((key) => key.startsWith('REMOTE_'))).toEqual([]);
});

it('leaves a socket alone that a server listens on', async () => {
  const path = join(await folder(), 'socket');
  await serveAt(path);
  await expect(serveAt(path)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(await statusOf(path)).toBe(200);
});

it('is one of three that come at the same time for a socket whose server was killed', async () => {
  const path = await leftBehind();
  const made = await Promise.allSettled([serveAt(path), serveAt(path), serveAt(path)]);
  const failed = made.filter((one) => one.status === 'rejected').map(({ reason }) => reason.code);
  expect(failed).toEqual(['EADDRINUSE', 'EADDRINUSE']);
  expect(await statusOf(path)).toBe(200);
});

const workers = `
  import cluster from 'node:cluster';
  import { demoApp, makeServer } from '@wsgi/simple-server';
  if (cluster.isPrimary) {
    cluster.on('listening', () => console.log('listens')).on('exit', () => console.log('ends'));
    for (let left = 4; left > 0; left--) cluster.fork();
  } else await makeServer(process.argv[1], 0, demoApp, { log: false });
`;

it.each(['rr', 'none'])(
  'is shared by workers that come at the same time, with the policy %s',
  async (policy) => {
    const path = join(await folder(), 'socket');
    const child = spawn(process.execPath, ['--input-type=module', '--eval', workers, path], {
      cwd: import.meta.dirname,
      env: { ...process.env, NODE_CLUSTER_SCHED_POLICY: policy },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    for await (const text of child.stdout) {
      said += text;
      if (said.split('\n').length > 4) break;
    }
    expect(said).toBe('listens\n'.repeat(4));
    expect(await statusOf(path)).toBe(200);
  },
);

it('is left alone by a worker: who has bound it, and does not listen yet, refuses as a dead one does', async () => {
  const path = await leftBehind();
  const setWorker = (value: boolean): void => void Reflect.set(cluster, 'isWorker', value);
  setWorker(true);
  onTestFinished(() => setWorker(false));
  await expect(serveAt(path)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

it('does not listen after all when it is shut down over a socket whose server was killed', async () => {
  const server = new WSGIServer(await leftBehind());
  const listening = server.listen(0);
  await Promise.all([
    expect(listening).rejects.toThrow('the server has been shut down: make another one'),
    server.shutdown(),
  ]);
  expect(server.address()).toBeNull();
});

it.each<[string, (path: string) => void]>([
  ['a file', (path) => writeFileSync(path, 'mine')],
  ['a folder', (path) => mkdirSync(path)],
  ['a link', (path) => symlinkSync(`${path}-elsewhere`, path)],
])('leaves %s alone that is in its place, and says so', async (_what, make) => {
  const path = join(await folder(), 'socket');
  make(path);
  const before = lstatSync(path);
  await expect(serveAt(path)).rejects.toThrow(
    `${path} is there already and is no socket: remove it, or choose another path`,
  );
  expect(lstatSync(path)).toEqual(before);
});

it.skipIf(process.platform === 'win32')(
  'refuses a path that the system would cut, and names it and the limit',
  async () => {
    const limit = process.platform === 'linux' ? 107 : 103;
    const parent = await folder();
    const longest = `${parent}/é`.padEnd(limit - 1, 'x');
    await expect(serveAt(`${longest}x`)).rejects.toThrow(
      new RangeError(
        `${longest}x has ${limit + 1} bytes: the path of a Unix socket may have ${limit}`,
      ),
    );
    expect(readdirSync(parent)).toEqual([]);
    await serveAt(longest);
    expect(await statusOf(longest)).toBe(200);
  },
);
