import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { softwareVersion } from '@wsgi/simple-server';
import { describe, expect, it, onTestFinished } from 'vitest';

const script = fileURLToPath(new URL('../../packages/simple-server/bin/wsgi.js', import.meta.url));

/** One run of the command. */
class Run {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  #changed: () => void = () => {};

  constructor(args: string[], cwd: string, nodeOptions = process.env['NODE_OPTIONS']) {
    const env = { ...process.env, NODE_OPTIONS: nodeOptions };
    this.child = spawn(process.execPath, [script, ...args], { cwd, env });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk;
      this.#changed();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
      this.#changed();
    });
    this.exited = once(this.child, 'close').then(([code]) => {
      this.#changed();
      return code;
    });
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await this.exited;
    });
  }

  /** Waits until it has said something; gives what matches. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const [match, group] = pattern.exec(this.stdout) ?? pattern.exec(this.stderr) ?? [];
      if (match !== undefined) return group ?? match;
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  url(): Promise<string> {
    return this.says(/ on (http\S+)/);
  }
}

const hello = (text: string): string =>
  `export default (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [Buffer.from('${text}')];
  };`;

/** A directory with these files. */
async function directory(files: Record<string, string> = {}): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'wsgi-cli-'));
  onTestFinished(() => rm(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

/** Runs the command to its end. */
async function outcome(args: string[], files: Record<string, string> = {}) {
  const run = new Run(args, await directory(files));
  const code = await run.exited;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

async function text(url: string): Promise<string> {
  return (await fetch(url, { headers: { Connection: 'close' } })).text();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('serves the demo application and logs each request', async () => {
  const run = new Run(['--port', '0'], await directory());
  expect(await text(`${await run.url()}/x`)).toMatch(/^Hello world!\n/);
  await run.says(
    /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4} [\d:]{8}\] "GET \/x HTTP\/1\.1" 200 \d+$/m,
  );
});

describe('an application', () => {
  it.each([
    ['the default export', 'app.mjs', 'app.mjs', hello('it')],
    ['a module without its ending', 'app', 'app.mjs', hello('it')],
    ['a folder', 'site', 'site/index.mjs', hello('it')],
    ['an export named app', 'm.mjs', 'm.mjs', hello('it').replace('default', 'const app =')],
    [
      'an export that is named',
      'm.mjs:mine',
      'm.mjs',
      hello('it').replace('default', 'const mine ='),
    ],
    [
      'a CommonJS module',
      'm.cjs',
      'm.cjs',
      hello('it').replace('export default', 'module.exports ='),
    ],
    [
      "a CommonJS module's property",
      'm.cjs',
      'm.cjs',
      hello('it').replace('export default', 'exports.application ='),
    ],
    [
      "a CommonJS module's property that is named, and Node cannot see",
      'm.cjs:mine',
      'm.cjs',
      hello('it').replace('export default', "module.exports[['mine'][0]] ="),
    ],
    [
      'the default export of a module that was compiled to CommonJS',
      'm.cjs',
      'm.cjs',
      `Object.defineProperty(exports, '__esModule', { value: true });
      ${hello('it').replace('export default', 'exports.default =')}`,
    ],
    [
      'a named export of such a module',
      'm.cjs:mine',
      'm.cjs',
      `Object.defineProperty(exports, '__esModule', { value: true });
      ${hello('it').replace('export default', 'exports.mine =')}`,
    ],
    [
      'a method, which is called with its object',
      'm.mjs:site.pages.serve',
      'm.mjs',
      `class Pages {
        #text = 'it';
        serve(environ, startResponse) {
          startResponse('200 OK', [['Content-Type', 'text/plain']]);
          return [Buffer.from(this.#text)];
        }
      }
      export const site = { pages: new Pages() };`,
    ],
    [
      'a class within an object',
      'm.mjs:site.Page',
      'm.mjs',
      `export const site = {
        Page: class {
          constructor(environ, startResponse) {
            startResponse('200 OK', [['Content-Type', 'text/plain']]);
          }
          *[Symbol.iterator]() {
            yield Buffer.from('it');
          }
        },
      };`,
    ],
  ])('may be %s', async (_what, reference, file, code) => {
    const run = new Run(['--port', '0', reference], await directory({ [file]: code }));
    expect(await text(await run.url())).toBe('it');
  });
});

describe('a mistake is told in one line, with a code that is not 0:', () => {
  it.each([
    ['no such module', ['nowhere'], /^wsgi: there is no module 'nowhere'/],
    ["a module of Node's own", ['http'], /^wsgi: there is no module 'http'/],
    [
      'a module in another language',
      ['m.tsx'],
      /^wsgi: Unknown file extension "\.tsx" for .*m\.tsx, which Node [\d.]+ cannot run: compile it/,
    ],
    [
      'no such export',
      ['m.mjs:other'],
      /^wsgi: m\.mjs has no export 'other'; it exports one, two$/,
    ],
    ['no application', ['m.mjs'], /^wsgi: m\.mjs exports no application: .* it exports one, two$/],
    [
      'a CommonJS module whose applications have other names',
      ['m.cjs'],
      /^wsgi: the export 'default' of m\.cjs is no application: .*; or name another as m\.cjs:NAME; it exports admin, site$/,
    ],
    [
      'no such property',
      ['m.cjs:site.pages.serve'],
      /^wsgi: m\.cjs has no export 'site\.pages\.serve'/,
    ],
    [
      'a package that require() cannot load',
      ['esm-only'],
      /^wsgi: No "exports" main defined in \S+package\.json, for require\(\) that is: name the file of the module$/,
    ],
    [
      'an export that is none',
      ['m.mjs:one'],
      /^wsgi: the export 'one' of m\.mjs is no application/,
    ],
    [
      'a module that waits for ever',
      ['wait.mjs'],
      /^wsgi: wait\.mjs does not end: it awaits what never comes$/,
    ],
    ['an unknown option', ['--nope'], /^wsgi: Unknown option '--nope'/],
    ['a bad port', ['--port', '99999'], /^wsgi: --port must be .* not '99999'$/],
    ['a host that is not here', ['--host', '192.0.2.1'], /^wsgi: 192\.0\.2\.1:8000 is no address/],
    [
      'an IPv6 address that is not here',
      ['--host', '2001:db8::1'],
      /^wsgi: .*\[2001:db8::1\]:8000/,
    ],
    [
      'a URL for a host',
      ['--host', 'http://localhost'],
      /^wsgi: --host takes a name or an address, not 'http:\/\/localhost'; --unix takes a path$/,
    ],
    [
      'half of a certificate',
      ['--tls-cert', 'm.mjs'],
      /^wsgi: --tls-cert and --tls-key go together/,
    ],
    ['no certificate', ['--tls-cert', 'x', '--tls-key', 'y'], /^wsgi: cannot read x: ENOENT$/],
    [
      'files that are no certificate and key',
      ['--tls-cert', 'm.mjs', '--tls-key', 'm.mjs'],
      /^wsgi: m\.mjs and m\.mjs are no certificate and its key \(PEM\): .*no start line$/,
    ],
    [
      'a value that looks like an option',
      ['--port', '-1'],
      /^wsgi: Option '--port' argument is ambiguous\. .* use '--port=-XYZ'/,
    ],
    ['no workers', ['--workers', '0'], /^wsgi: --workers must be .* from 1 to 1024, not '0'$/],
    ...['--host', '--port'].map((option): [string, string[], RegExp] => [
      `a socket beside ${option}`,
      ['--unix', 'socket', option, '1'],
      /^wsgi: --unix takes the place of --host and --port: leave them out$/,
    ]),
    ['a socket without a name', ['--unix', ''], /^wsgi: --unix takes a path, not ''$/],
    [
      'a socket in a folder that is not there',
      ['--unix', '/no/such/app.sock'],
      /^wsgi: there is no folder \/no\/such for the socket$/,
    ],
    [
      'a socket in the place of a file',
      ['--unix', 'm.mjs'],
      /^wsgi: \S+\/m\.mjs is there already and is no socket: remove it, or choose another path$/,
    ],
    [
      'a socket whose path is too long',
      ['--unix', `/tmp/${'x'.repeat(200)}`],
      /^wsgi: \/tmp\/x{200} has 205 bytes: the path of a Unix socket may have 10[37]$/,
    ],
    ['two applications', ['a', 'b'], /^wsgi: one application at a time/],
  ])('%s', async (_what, args, line) => {
    const files = {
      'm.mjs': 'export const one = 1; export const two = 2;',
      'm.cjs': 'exports.admin = () => []; exports.site = {};',
      'm.tsx': 'export const app: () => void;',
      'node_modules/esm-only/package.json': '{ "exports": { "import": "./index.js" } }',
      'wait.mjs': 'await new Promise(() => {});',
    };
    const { code, stdout, stderr } = await outcome(args, files);
    expect(stderr.trimEnd()).toMatch(line);
    expect(stderr.trimEnd()).not.toContain('\n');
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  it('a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => {
      taken.close();
    });
    const { port } = taken.address() as AddressInfo;
    for (const more of [[], ['--workers', '2']]) {
      const { code, stderr } = await outcome(['--port', String(port), ...more]);
      expect(stderr).toBe(
        `wsgi: 127.0.0.1:${port} is in use: stop what listens there, or choose another\n`,
      );
      expect(code).toBe(1);
    }
  });
});

it('shows the stack of an error that the module throws', async () => {
  const { code, stderr } = await outcome(['m.mjs'], { 'm.mjs': "throw new Error('my mistake');" });
  expect(stderr).toMatch(/^wsgi: Error: my mistake\n {4}at .*m\.mjs:1:7/);
  expect(code).toBe(1);
});

it('shows where a module cannot be read, also one that the application imports', async () => {
  const files = { 'm.mjs': "import './other.mjs';", 'other.mjs': 'one\nand two' };
  for (const more of [[], ['--workers', '2']]) {
    const { code, stderr } = await outcome(['m.mjs', ...more], files);
    expect(stderr).toMatch(/^file:\S+\/other\.mjs:2\nand two\n {4}\^+\n\s*SyntaxError: /);
    expect(code).toBe(1);
  }
});

it.each([
  ["'a string'", /^wsgi: a string\n$/],
  ['{ status: 7 }', /^wsgi: \{ status: 7 \}\n$/],
  ['Object.create(null)', /^wsgi: \[Object: null prototype\] \{\}\n$/],
  ["new Error('one', { cause: new Error('two') })", /^wsgi: Error: one\n[\s\S]*Error: two\n/],
])('shows what the module throws: %s', async (thrown, said) => {
  const { code, stderr } = await outcome(['m.mjs'], { 'm.mjs': `throw ${thrown};` });
  expect(stderr).toMatch(said);
  expect(code).toBe(1);
});

it('shows its version and its options', async () => {
  expect(await outcome(['--version'])).toMatchObject({ code: 0, stdout: `${softwareVersion}\n` });
  for (const option of ['--help', '-h']) {
    expect((await outcome([option])).stdout).toMatch(/^Usage: wsgi /);
  }
});

it('says nothing when it is to be quiet', async () => {
  const files = { 'm.mjs': `console.log('ready on http://x');${hello('it')}` };
  const cwd = await directory(files);
  const run = new Run(['--unix', 'socket', '--quiet', 'm.mjs'], cwd);
  await run.url();
  const socketPath = join(cwd, 'socket');
  const answered = await new Promise<number | undefined>((resolve) => {
    const attempt = (): void => {
      request({ socketPath, path: '/x' }, (response) => resolve(response.resume().statusCode))
        .on('error', () => setTimeout(attempt, 20))
        .end();
    };
    attempt();
  });
  expect(answered).toBe(200);
  run.child.kill('SIGTERM');
  await run.exited;
  expect(run.stdout + run.stderr).toBe('ready on http://x\n');
});

function refuses(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => resolve(true));
  });
}

it.each([[[]], [['--workers', '2']]])(
  'takes the place of a command that was killed at its socket: %j',
  async (more) => {
    const cwd = await directory();
    const start = (): Run => new Run(['--unix', 'socket', ...more], cwd);
    const first = start();
    await first.says(/Serving/);
    const second = start();
    expect(await second.exited).toBe(1);
    expect(second.stderr).toBe(
      `wsgi: ${join(cwd, 'socket')} is in use: stop what listens there, or choose another\n`,
    );
    first.child.kill('SIGKILL');
    await first.exited;
    // The workers that it leaves behind end by themselves, and answer until then.
    await expect.poll(() => refuses(join(cwd, 'socket'))).toBe(true);
    const third = start();
    await third.says(/Serving/);
    third.child.kill('SIGTERM');
    expect(await third.exited).toBe(0);
    expect(existsSync(join(cwd, 'socket'))).toBe(false);
  },
);

it('checks the application when it is to validate', async () => {
  const files = { 'm.mjs': hello('it').replace("'text/plain'", "'text/plain\\n'") };
  const run = new Run(['--port', '0', '--validate', 'm.mjs'], await directory(files));
  expect((await fetch(await run.url())).status).toBe(500);
  await run.says(/AssertionError/);
});

describe('a signal', () => {
  const slow = `export default async (environ, startResponse) => {
    console.log('at work');
    await new Promise((resolve) => setTimeout(resolve, 300));
    startResponse('200 OK', []);
    return [Buffer.from('finished')];
  };`;

  it.each(['SIGINT', 'SIGTERM'] as const)('%s lets what is at work finish', async (signal) => {
    const run = new Run(['--port', '0', 'm.mjs'], await directory({ 'm.mjs': slow }));
    const answer = text(await run.url());
    await run.says(/at work/);
    run.child.kill(signal);
    expect(await answer).toBe('finished');
    expect(await run.exited).toBe(0);
  });

  it('ends it at once when it is the second', async () => {
    const files = { 'm.mjs': slow.replace('300', '60_000') };
    const run = new Run(['--port', '0', 'm.mjs'], await directory(files));
    const answer = text(await run.url()).catch(() => 'cut off');
    await run.says(/at work/);
    run.child.kill('SIGINT');
    run.child.kill('SIGTERM');
    expect(await answer).toBe('cut off');
    expect(await run.exited).toBe(1);
  });
});

describe('workers', () => {
  const files = { 'm.mjs': hello('x').replace("'x'", 'String(process.pid)') };

  it('share a port, and one that dies is replaced', async () => {
    const run = new Run(['--port', '0', '--workers', '2', 'm.mjs'], await directory(files));
    const url = await run.url();
    const pids = new Set<number>();
    while (pids.size < 2) pids.add(Number(await text(url)));
    expect(pids).not.toContain(run.child.pid);
    const [pid = 0] = pids;
    process.kill(pid, 'SIGKILL');
    await run.says(new RegExp(`worker ${pid} died`));
    for (let left = 6; left > 0; left--) expect(Number(await text(url))).not.toBe(pid);
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
  });

  it('that wait to be replaced do not hold up the end', async () => {
    const dying = `import cluster from 'node:cluster';
      if (cluster.worker.id > 1) process.exit(3);
      ${files['m.mjs']}`;
    // A delay of 100 ms, which grows to half a minute, never ends here.
    const patch = `const { setTimeout: original } = globalThis;
      globalThis.setTimeout = (task, delay, ...args) => original(task, delay === 100 ? 1e8 : delay, ...args);`;
    const run = new Run(
      ['--port', '0', '--workers', '2', 'm.mjs'],
      await directory({ 'm.mjs': dying }),
      `--import=data:text/javascript,${encodeURIComponent(patch)}`,
    );
    await run.says(/a new one starts in 100 ms/);
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
  });

  it('end with the process that starts them again when files change, even when it is killed', async () => {
    const both = hello('x').replace("'x'", "process.ppid + ' ' + process.pid");
    const cwd = await directory({ 'm.mjs': both });
    const run = new Run(['--port', '0', '--workers', '2', '--reload', 'm.mjs'], cwd);
    const url = await run.url();
    const pids = (await text(url)).split(' ').map(Number);
    onTestFinished(() => {
      for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    run.child.kill('SIGKILL');
    const served = (): Promise<boolean> => text(url).then(Boolean, () => false);
    await expect.poll(served, { timeout: 15_000 }).toBe(false);
  });
});

it('starts again when a file changes, and waits for the change that mends a broken one', async () => {
  const cwd = await directory({ 'm.mjs': hello('one') });
  const run = new Run(['--port', '0', '--reload', 'm.mjs'], cwd);
  expect(await text(await run.url())).toBe('one');
  run.stdout = '';
  await writeFile(join(cwd, 'm.mjs'), 'syntax error');
  await run.says(/SyntaxError/);
  await writeFile(join(cwd, 'm.mjs'), hello('two'));
  expect(await text(await run.url())).toBe('two');
  run.child.kill('SIGINT');
  expect(await run.exited).toBe(0);
});

it('does not take its own Unix socket for a change', async () => {
  const cwd = await directory({ 'm.mjs': hello('one') });
  const run = new Run(['--unix', 'socket', '--reload', 'm.mjs'], cwd);
  await run.says(/Serving/);
  // Time to see the socket that was made.
  await new Promise((resolve) => setTimeout(resolve, 600));
  run.child.kill('SIGTERM');
  expect(await run.exited).toBe(0);
  expect(run.stdout.match(/Serving/g)).toHaveLength(1);
});

it('does not take its own log for a change', async () => {
  const cwd = await directory({ 'm.mjs': hello('one') });
  const [out, log] = [openSync(join(cwd, 'out.txt'), 'w'), openSync(join(cwd, 'log.txt'), 'w')];
  const args = [script, '--port', '0', '--reload', 'm.mjs'];
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', out, log] });
  const exited = once(child, 'close');
  onTestFinished(() => {
    child.kill('SIGKILL');
    for (const file of [out, log]) closeSync(file);
  });
  const said = (): string => readFileSync(join(cwd, 'out.txt'), 'utf8');
  await expect.poll(said, { timeout: 15_000 }).toMatch(/ on http/);
  const [, url = ''] = / on (http\S+)/.exec(said()) ?? [];
  expect(await text(url)).toBe('one');
  // Time to see the line of the request.
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(readFileSync(join(cwd, 'log.txt'), 'utf8')).toMatch(/"GET/);
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect(said().match(/Serving/g)).toHaveLength(1);
});

it('goes on looking for changes where directories come and go', async () => {
  const cwd = await directory({ 'm.mjs': hello('one') });
  const run = new Run(['--port', '0', '--reload', 'm.mjs'], cwd);
  await run.url();
  for (let count = 0; count < 300; count++) {
    const brief = join(cwd, 'node_modules', `brief-${count}`);
    mkdirSync(join(brief, 'lib', 'parts'), { recursive: true });
    rmSync(brief, { recursive: true });
  }
  run.stdout = '';
  await writeFile(join(cwd, 'm.mjs'), hello('two'));
  expect(await text(await run.url())).toBe('two');
  expect(run.stderr).not.toMatch(/ENOENT/);
});

it('starts again once where files change while what is at work has yet to finish', async () => {
  const held = (version: string): string =>
    `process.on('SIGTERM', () => console.log('told to end'));
    export default async (environ, startResponse) => {
      if (environ.PATH_INFO === '/held') {
        console.log('at work');
        await new Promise((resolve) => environ['gateway.signal']().addEventListener('abort', resolve));
      }
      startResponse('200 OK', []);
      return [Buffer.from('${version}')];
    };`;
  const cwd = await directory({ 'm.mjs': held('one') });
  const run = new Run(['--port', '0', '--reload', 'm.mjs'], cwd);
  const client = new AbortController();
  fetch(`${await run.url()}/held`, client).catch(() => {});
  await run.says(/at work/);
  await writeFile(join(cwd, 'm.mjs'), held('two'));
  await run.says(/told to end/);
  await writeFile(join(cwd, 'm.mjs'), held('three'));
  // It is to see this change before the first process has ended.
  await new Promise((resolve) => setTimeout(resolve, 400));
  run.stdout = '';
  client.abort();
  expect(await text(await run.url())).toBe('three');
  run.stdout = '';
  await writeFile(join(cwd, 'm.mjs'), held('four'));
  expect(await text(await run.url())).toBe('four');
  expect(run.stderr).not.toContain('in use');
  run.child.kill('SIGINT');
  expect(await run.exited).toBe(0);
});
