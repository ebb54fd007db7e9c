import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { curl, hasCurl, Listener, send } from './requests.js';
import { Running, until } from './running.js';

const running = await Running.start();
afterAll(() => running.stop());

afterEach(async () => {
  for (const name of await running.names()) await rm(join(running.folder, name));
  // An application that is at ease says nothing: no test below makes it report an error.
  expect(running.said.split('Ctrl-C ends it.')[1]?.trim()).toBe('');
});

describe.each([...running.urls])('The file drop in %s', (_name, base) => {
  const file = (name: string): string => `${base}files/${encodeURIComponent(name)}`;

  describe('keeps files', () => {
    it.each([0, 1, 65_536, 1_048_577])('of %d bytes, byte for byte', async (size) => {
      const content = randomBytes(size);
      const stored = await send('PUT', file('a.bin'), { body: content });
      expect(stored.status).toBe(201);
      expect(JSON.parse(stored.text)).toMatchObject({ name: 'a.bin', size });
      const got = await send('GET', file('a.bin'));
      expect(got.status).toBe(200);
      expect(got.headers['content-length']).toBe(String(size));
      expect(got.body.equals(content)).toBe(true);
    });

    it('sent in chunks without a length', async () => {
      const headers = { 'Transfer-Encoding': 'chunked' };
      expect((await send('PUT', file('c'), { headers, body: 'chunked' })).status).toBe(201);
      expect((await send('GET', file('c'))).text).toBe('chunked');
    });

    it('in place of those that were there, with 200', async () => {
      await send('PUT', file('a.txt'), { body: 'the first, which is longer' });
      expect((await send('PUT', file('a.txt'), { body: 'second' })).status).toBe(200);
      expect((await send('GET', file('a.txt'))).text).toBe('second');
      expect(await running.names()).toEqual(['a.txt']);
    });

    it('and calls a name new once, however many store it at the same time', async () => {
      const uploads = Array.from({ length: 20 }, (_, index) =>
        send('PUT', file('a.txt'), { body: String(index) }),
      );
      const answers = (await Promise.all(uploads)).map(({ status }) => status).sort();
      expect(answers).toEqual([...Array(19).fill(200), 201]);
    });

    it('and removes them', async () => {
      await send('PUT', file('a.txt'), { body: 'x' });
      const gone = await send('DELETE', file('a.txt'));
      expect(gone.status).toBe(204);
      expect(gone.headers['content-type']).toBeUndefined();
      expect((await send('GET', file('a.txt'))).status).toBe(404);
      expect((await send('DELETE', file('a.txt'))).status).toBe(404);
      expect(await running.names()).toEqual([]);
    });

    it('and lists them by name', async () => {
      expect(JSON.parse((await send('GET', `${base}files`)).text)).toEqual([]);
      for (const name of ['b.txt', 'a.txt']) await send('PUT', file(name), { body: name });
      const list = await send('GET', `${base}files`);
      expect(list.headers['content-type']).toBe('application/json');
      const [first, second] = JSON.parse(list.text);
      expect(first).toMatchObject({ name: 'a.txt', size: 5 });
      expect(first.etag).toBe((await send('HEAD', file('a.txt'))).headers.etag);
      expect(second).toMatchObject({ name: 'b.txt', size: 5 });
    });

    it.each(['näme ☃ 日本.txt', 'a b+c&d=e;f.txt', '100%.txt', '%zz', 'a?b#c"d', 'x'.repeat(255)])(
      'named %s',
      async (name) => {
        expect((await send('PUT', file(name), { body: name })).status).toBe(201);
        expect(await running.names()).toEqual([name]);
        expect((await send('GET', file(name))).text).toBe(name);
      },
    );

    it('and refuses a part of one, which would pass for the whole', async () => {
      const headers = { 'Content-Range': 'bytes 5-9/10' };
      expect((await send('PUT', file('a'), { headers, body: 'later' })).status).toBe(400);
      expect(await running.names()).toEqual([]);
    });

    it('and leaves a folder of that name as it is', async () => {
      const folder = join(running.folder, 'a');
      await mkdir(folder);
      const answer = await send('PUT', file('a'), { body: 'x' });
      expect([answer.status, answer.text]).toEqual([409, 'There is a folder of that name.\n']);
      for (const method of ['GET', 'DELETE'])
        expect((await send(method, file('a'))).status).toBe(404);
      expect(await running.names()).toEqual(['a']);
      await rmdir(folder);
    });

    it.runIf(hasCurl)('that curl -T sends under their own name, as the greeting says', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'file-drop-curl-'));
      await writeFile(join(folder, 'notes.md'), '# Notes\n');
      await curl('-T', join(folder, 'notes.md'), `${base}files/`);
      expect((await curl(`${base}files/notes.md`)).toString()).toBe('# Notes\n');
      await rm(folder, { recursive: true });
    });
  });

  describe('answers 400 to a name', () => {
    it.each([
      ['', 'that is empty'],
      ['..', 'of the folder above'],
      ['../outside', 'outside the folder'],
      ['..%2Foutside', 'outside the folder, encoded'],
      ['%2e%2e%2foutside', 'outside the folder, encoded whole'],
      ['..%5Coutside', 'outside the folder, on Windows'],
      ['%2Fetc%2Fpasswd', 'with a path from the root'],
      ['a/b', 'in another folder'],
      ['a%00.txt', 'with a NUL'],
      ['a%0D%0Ab', 'with a line break'],
      ['.hidden', 'that begins with a dot'],
      ['.upload-0', 'of an unfinished upload'],
      ['%FF', 'that is not UTF-8'],
      ['y'.repeat(256), 'that is too long'],
    ])('%s: %s', async (name) => {
      for (const method of ['PUT', 'GET', 'DELETE']) {
        const body = method === 'PUT' ? 'x' : '';
        const answer = await send(method, `${base}files/${name}`, { body });
        expect(answer.status).toBe(400);
        // Fastify's router refuses what is not UTF-8 before the application is asked.
        expect(answer.text).toMatch(/^Not a usable file name: |is not a valid url component/);
      }
      expect(await running.names()).toEqual([]);
    });
  });

  describe('tells versions apart', () => {
    it.each([
      ['the tag', (tag: string) => tag],
      ['the tag, marked weak', (tag: string) => `W/${tag}`],
      ['a list with the tag in it', (tag: string) => `"other, one", W/"x" ,${tag}`],
      ['a star', () => '*'],
    ])('304 to %s in If-None-Match', async (_what, condition) => {
      const stored = await send('PUT', file('v.txt'), { body: 'one' });
      const { etag } = JSON.parse(stored.text);
      for (const method of ['GET', 'HEAD']) {
        const headers = { 'If-None-Match': condition(etag) };
        const answer = await send(method, file('v.txt'), { headers });
        expect(answer.status).toBe(304);
        expect(answer.headers.etag).toBe(etag);
        expect(answer.headers['content-type']).toBeUndefined();
        expect(answer.body).toHaveLength(0);
      }
    });

    it('and sends the file when it is another one', async () => {
      const { etag } = JSON.parse((await send('PUT', file('v.txt'), { body: 'one' })).text);
      await send('PUT', file('v.txt'), { body: 'two' });
      const answer = await send('GET', file('v.txt'), { headers: { 'If-None-Match': etag } });
      expect(answer.status).toBe(200);
      expect(answer.text).toBe('two');
    });

    it.each([
      ['PUT', 'an older tag in If-Match', 'If-Match', (old: string) => old],
      ['DELETE', 'an older tag in If-Match', 'If-Match', (old: string) => `"x", ${old}`],
      ['GET', 'an older tag in If-Match', 'If-Match', (old: string) => old],
      [
        'PUT',
        'the tag marked weak in If-Match',
        'If-Match',
        (_: string, tag: string) => `W/${tag}`,
      ],
      ['PUT', 'a star in If-None-Match', 'If-None-Match', () => '*'],
      ['DELETE', 'the tag in If-None-Match', 'If-None-Match', (_: string, tag: string) => tag],
    ])('and changes nothing at %s with %s', async (method, _what, field, condition) => {
      const old = JSON.parse((await send('PUT', file('v.txt'), { body: 'one' })).text);
      const { etag } = JSON.parse((await send('PUT', file('v.txt'), { body: 'two' })).text);
      const headers = { [field]: condition(old.etag, etag) };
      const body = method === 'PUT' ? 'three' : '';
      expect((await send(method, file('v.txt'), { headers, body })).status).toBe(412);
      expect((await send('GET', file('v.txt'))).text).toBe('two');
    });

    it('and replaces or removes the one that If-Match names', async () => {
      const { etag } = JSON.parse((await send('PUT', file('v.txt'), { body: 'one' })).text);
      const replaced = await send('PUT', file('v.txt'), {
        headers: { 'If-Match': etag },
        body: '2',
      });
      expect(replaced.status).toBe(200);
      const later = { 'If-Match': `W/"x", ${JSON.parse(replaced.text).etag}` };
      expect((await send('GET', file('v.txt'), { headers: later })).text).toBe('2');
      expect((await send('DELETE', file('v.txt'), { headers: later })).status).toBe(204);
      expect((await send('DELETE', file('v.txt'), { headers: later })).status).toBe(404);
      expect((await send('PUT', file('v.txt'), { headers: later, body: '3' })).status).toBe(412);
    });

    it('and lets one of many create a file that is not to be replaced', async () => {
      const headers = { 'If-None-Match': '*' };
      const uploads = Array.from({ length: 10 }, (_, index) =>
        send('PUT', file('v.txt'), { headers, body: `${index}` }),
      );
      const answers = (await Promise.all(uploads)).map(({ status }) => status).sort();
      expect(answers).toEqual([201, ...Array(9).fill(412)]);
    });
  });

  it('sends the header of a file to HEAD, and no body', async () => {
    await send('PUT', file('a.txt'), { body: 'hello' });
    const answer = await send('HEAD', file('a.txt'));
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-length': '5',
      'content-type': 'text/plain; charset=utf-8',
    });
    expect(answer.body).toHaveLength(0);
  });

  it('lets no uploaded page or picture run a script as its own', async () => {
    for (const name of ['evil.html', 'evil.SVG', 'evil.xml', 'evil']) {
      await send('PUT', file(name), { body: '<script>alert(1)</script>' });
      const { headers } = await send('GET', file(name));
      expect(headers['content-disposition']).toBe('attachment');
      expect(headers['content-security-policy']).toMatch(/^sandbox;/);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  it.each([
    ['POST', 'files', 'GET, HEAD'],
    ['PUT', 'files', 'GET, HEAD'],
    ['POST', 'files/a', 'GET, HEAD, PUT, DELETE'],
    ['DELETE', '', 'GET, HEAD'],
    ['PUT', 'events', 'GET, HEAD'],
  ])('answers %s /%s with 405 and Allow: %s', async (method, path, allow) => {
    const answer = await send(method, base + path);
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe(allow);
  });

  it('answers 404 to what is not there', async () => {
    for (const path of ['nothing', 'file', 'files2', 'constructor', 'page.js/', 'files/none']) {
      expect((await send('GET', base + path)).status, path).toBe(404);
    }
  });

  describe('has a page', () => {
    it('whose every link is right under its prefix', async () => {
      const page = await send('GET', base);
      expect(page.status).toBe(200);
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      const links = [...page.text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link = '']) => link);
      expect(links).toEqual(expect.arrayContaining(['page.css', 'page.js', 'files']));
      for (const link of links.filter((each) => !each.startsWith('data:'))) {
        expect((await send('GET', new URL(link, base).href)).status, link).toBe(200);
      }
    });

    it('to which the prefix without its slash leads', async () => {
      const bare = base.slice(0, -1);
      const answer = await fetch(bare);
      expect(answer.url).toBe(base);
      expect(await answer.text()).toContain('<title>File drop</title>');
    });

    it('whose policy takes scripts from its own files alone', async () => {
      const page = await send('GET', base);
      expect(page.headers['content-security-policy']).toContain("script-src 'self';");
      expect(page.text).not.toMatch(/<script>|<style|\son\w+=/);
    });

    it('that is not sent twice', async () => {
      const etag = String((await send('GET', base)).headers.etag);
      expect((await send('GET', base, { headers: { 'If-None-Match': etag } })).status).toBe(304);
    });
  });

  it('tells every listener of changes', async () => {
    const listeners = await Promise.all([
      Listener.connect(`${base}events`),
      Listener.connect(`${base}events`),
    ]);
    await send('PUT', file('é.txt'), { body: '1' });
    await send('PUT', file('é.txt'), { body: '2' });
    await send('DELETE', file('é.txt'));
    await send('DELETE', file('é.txt'));
    for (const listener of listeners) {
      await until(() => listener.changes.length >= 3);
      expect(listener.changes).toEqual(['created é.txt', 'replaced é.txt', 'deleted é.txt']);
      await listener.leave();
    }
  });

  it.each([
    ['its length', 'Content-Length: 1000000\r\n\r\nonly this'],
    ['its last chunk', 'Transfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n'],
  ])('leaves nothing of an upload that breaks off before %s', async (_what, rest) => {
    await send('PUT', file('whole'), { body: 'as it was' });
    const url = new URL(file('whole'));
    const socket = connect(Number(url.port), url.hostname);
    socket.write(`PUT ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n${rest}`);
    await until(async () => (await running.names()).length === 2);
    socket.destroy();
    await until(async () => (await running.names()).length === 1);
    expect((await send('GET', file('whole'))).text).toBe('as it was');
  });

  it("leaves the host's own routes alone", async () => {
    const answer = await send('GET', new URL('/health', base).href);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('ok\n');
  });

  it('answers on a connection whose upload it refused', async () => {
    const path = new URL(base).pathname;
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    let heard = '';
    socket.setEncoding('utf8').on('data', (text) => {
      heard += text;
    });
    const head = 'HTTP/1.1\r\nHost: here\r\n';
    socket.write(`PUT ${path}files/.bad ${head}Content-Length: 5\r\n\r\n12345`);
    socket.write(`GET ${path}files ${head}\r\n`);
    await until(() => /HTTP\/1\.1 400 .*HTTP\/1\.1 200 OK.*\[\]/s.test(heard));
    socket.destroy();
  });
});

describe.runIf(process.platform === 'linux' && hasCurl)(
  'A file of 200 MiB (memory is read from /proc)',
  () => {
    const size = 200 * 1024 * 1024;
    let folder = '';

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'file-drop-large-'));
      await writeFile(join(folder, 'large'), Buffer.alloc(size, randomBytes(1_000_003)));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    it.each([...running.urls])('goes in and out of %s in flat memory', async (_name, base) => {
      const before = await running.memory();
      let most = before;
      const watch = setInterval(async () => {
        most = Math.max(most, await running.memory());
      }, 20);
      const url = `${base}files/large`;
      await curl('-T', join(folder, 'large'), url);
      await curl('-o', join(folder, 'back'), url);
      clearInterval(watch);
      expect(spawnSync('cmp', [join(folder, 'large'), join(folder, 'back')]).status).toBe(0);
      expect(most - before).toBeLessThan(100 * 1024 * 1024);
    });

    it('does not pile up for a client that does not read', async () => {
      const [base = ''] = running.urls.values();
      await curl('-T', join(folder, 'large'), `${base}files/large`);
      const before = await running.memory();
      const url = new URL(`${base}files/large`);
      const socket = connect(Number(url.port), url.hostname);
      socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: here\r\n\r\n`);
      await new Promise((resolve) => socket.once('readable', resolve));
      // Other requests go on meanwhile.
      for (let count = 0; count < 50; count += 1) await send('GET', `${base}files`);
      expect((await running.memory()) - before).toBeLessThan(50 * 1024 * 1024);
      socket.destroy();
    });
  },
);
