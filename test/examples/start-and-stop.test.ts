import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Listener, send } from './requests.js';
import { collect, launch, Running, stopped, until } from './running.js';

describe('The file drop starts', () => {
  it.each(['80x', '-1', '65536', '1.5', '0x50', ' '])(
    'not with %j for a port, and says so in a line',
    async (port) => {
      const process = launch({ PORT_EXPRESS: port });
      const said = collect(process);
      expect(await stopped(process)).toBe(1);
      expect(said.text).toBe(
        `file-drop: PORT_EXPRESS=${port} is no port: give a number from 0 (any free one) to 65535\n`,
      );
    },
  );

  it('not on a port in use, and says in a line which and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const process = launch({ PORT_FASTIFY: String(port) });
    const said = collect(process);
    expect(await stopped(process)).toBe(1);
    expect(said.text).toMatch(
      new RegExp(
        `^file-drop: Fastify cannot listen on port ${port} of 127.0.0.1: it is in use: .*PORT_FASTIFY.*\n$`,
      ),
    );
    other.close();
  });

  it('not on a host that is not this machine', async () => {
    const process = launch({ HOST: '192.0.2.1' });
    const said = collect(process);
    expect(await stopped(process)).toBe(1);
    expect(said.text).toMatch(/^file-drop: .* of 192\.0\.2\.1: .*EADDRNOTAVAIL.*\n$/);
  });

  it('not with a file for a folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'file-drop-test-'));
    await writeFile(join(folder, 'file'), '');
    const process = launch({ FOLDER: join(folder, 'file') });
    const said = collect(process);
    expect(await stopped(process)).toBe(1);
    expect(said.text).toMatch(/^file-drop: cannot make a folder for the files: .*\n$/);
    await rm(folder, { recursive: true });
  });
});

describe('The file drop ends', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'with 0 on %s, its live streams and idle connections, too',
    async (signal) => {
      const running = await Running.start();
      const listeners = await Promise.all(
        [...running.urls.values()].map((url) => Listener.connect(`${url}events`)),
      );
      expect(await running.stop(signal)).toBe(0);
      for (const listener of listeners) await listener.over;
    },
  );

  it('when an upload under way is whole', async () => {
    const running = await Running.start();
    const [base = ''] = running.urls.values();
    const url = new URL(`${base}files/slow`);
    const socket = connect(Number(url.port), url.hostname);
    let heard = '';
    socket.setEncoding('utf8').on('data', (text) => {
      heard += text;
    });
    socket.write(`PUT ${url.pathname} HTTP/1.1\r\nHost: here\r\nContent-Length: 6\r\n\r\nabc`);
    await until(async () => (await running.names()).length === 1);
    running.process.kill('SIGINT');
    await until(() => running.said.includes('Stopping'));
    socket.write('def');
    expect(await stopped(running.process)).toBe(0);
    expect(heard).toMatch(/^HTTP\/1\.1 201 /);
    expect(await running.names()).toEqual(['slow']);
    await running.stop();
  });

  it('at once on a second Ctrl-C, but not on an echo of the first, and leaves no part of an upload', async () => {
    // Its clock stands until SIGUSR2: so the second signal is an echo of the first, however late it comes.
    const clock = `const real = performance.now.bind(performance);
      performance.now = () => 0;
      process.on('SIGINT', () => console.log('Heard.'));
      process.on('SIGUSR2', () => {
        performance.now = () => real() + 60_000;
        console.log('The clock goes on.');
      });`;
    const preload = `data:text/javascript,${encodeURIComponent(clock)}`;
    const running = await Running.start({ NODE_OPTIONS: `--import=${preload}` });
    const [base = ''] = running.urls.values();
    const url = new URL(`${base}files/slow`);
    const socket = connect(Number(url.port), url.hostname);
    socket.on('error', () => {});
    socket.write(`PUT ${url.pathname} HTTP/1.1\r\nHost: here\r\nContent-Length: 6\r\n\r\nabc`);
    await until(async () => (await running.names()).length === 1);
    running.process.kill('SIGINT');
    await until(() => running.said.includes('Stopping'));
    running.process.kill('SIGINT');
    await until(() => running.said.split('Heard.').length > 2);
    running.process.kill('SIGUSR2');
    await until(() => running.process.exitCode !== null || running.said.includes('goes on'));
    expect(running.process.exitCode).toBeNull();
    expect(await stopped(running.process, 'SIGINT')).toBe(130);
    expect(await running.names()).toEqual([]);
    await running.stop();
  });

  it('and takes a folder of its own with it', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'file-drop-test-'));
    const running = await Running.start({ FOLDER: '', TMPDIR: parent });
    const [base = ''] = running.urls.values();
    await send('PUT', `${base}files/a`, { body: 'x' });
    const [own = ''] = await readdir(parent);
    expect(await readdir(join(parent, own))).toEqual(['a']);
    expect(await running.stop()).toBe(0);
    expect(await readdir(parent)).toEqual([]);
    await rm(parent, { recursive: true });
  });
});
