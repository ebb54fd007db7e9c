import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';

/** More than Node's own backlog of 511. */
const CROWD = 700;
const SETTING = '/proc/sys/net/core/somaxconn';
const allowed = existsSync(SETTING) ? Number(readFileSync(SETTING, 'utf8')) : 0;

const server = `
  import { demoApp, makeServer } from '@wsgi/simple-server';
  console.log((await makeServer('127.0.0.1', 0, demoApp, { log: false })).port);
`;

it.skipIf(allowed <= CROWD)(
  'has room for 700 clients that come while it is held up (needs Linux with net.core.somaxconn over 700)',
  async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', server], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [port] = await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    const sockets = Array.from({ length: CROWD }, () => connect(Number(port), '127.0.0.1'));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    child.kill('SIGCONT');
    sockets[CROWD - 1]?.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const [answer] = await once(sockets[CROWD - 1] ?? child, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  },
);
