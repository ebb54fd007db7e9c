import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../examples/nest/dist/main.js', import.meta.url));

describe.each(['express', 'fastify'])('the Nest example on %s', (platform) => {
  let example: ChildProcess;
  let notes: string;

  beforeAll(async () => {
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = spawn(process.execPath, [main, platform, '0'], { stdio: [...stdio] });
    example = child;
    const [line] = await once(createInterface(child.stdout), 'line');
    expect(line).toMatch(new RegExp(`^Nest on ${platform}: http://127.0.0.1:\\d+/notes$`));
    notes = line.slice(line.indexOf('http'));
  });

  afterAll(() => {
    example.kill('SIGKILL');
  });

  it('serves the app at its mount, past the body parsers of Nest', async () => {
    for (const [type, note] of [
      ['application/json', '{"a": 1}'],
      ['text/plain', 'größer'],
      ['application/x-www-form-urlencoded', 'a=1&b=2'],
    ] as const) {
      const init = { method: 'POST', headers: { 'Content-Type': type }, body: note };
      expect((await fetch(notes, init)).status).toBe(201);
    }
    const response = await fetch(notes);
    expect(await response.text()).toBe('{"a": 1}\ngrößer\na=1&b=2\n');
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const head = await fetch(`${notes}/`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '26']);
  });

  it("leaves Nest's own routes to Nest, beside the mount and below it", async () => {
    expect(await (await fetch(new URL('/count', notes))).json()).toEqual({ count: 3 });
    expect(await (await fetch(`${notes}/latest`)).json()).toEqual({ latest: 'a=1&b=2' });
  });

  it.each(['GET', 'POST', 'DELETE'])(
    "leaves %s of what it does not know to Nest's 404",
    async (method) => {
      const response = await fetch(`${notes}/none`, { method });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: 'Not Found', statusCode: 404 });
    },
  );

  it('says itself which methods its own path takes', async () => {
    const response = await fetch(notes, { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD, POST');
  });

  it('stops when it is told to', async () => {
    example.kill('SIGTERM');
    const [code, signal] = await once(example, 'exit');
    expect(code === 0 || signal === 'SIGTERM').toBe(true);
  });
});

it.each([
  ['nope', '0'],
  ['express', 'abc'],
])('the Nest example says how to start it when asked for %s %s', (...args) => {
  const { status, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    timeout: 50_000,
  });
  expect(stderr).toBe(`usage: main.js [express | fastify] [port], not '${args.join(' ')}'\n`);
  expect(status).toBe(1);
});
