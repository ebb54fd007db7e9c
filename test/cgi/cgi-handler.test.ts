import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CGIHandler } from '@wsgi/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOf, PROBE, run, Script } from './script.ts';

const sha = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');

describe('CGIHandler', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cgi-handler-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('writes a Status field, the header fields and the body', async () => {
    const ended = await run('/fields');
    expect(ended).toEqual({
      stdout:
        'Status: 418 Short And Stout\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Latin: caf\xe9\r\nContent-Length: 6\r\n\r\nteapot',
      stderr: '',
      code: 0,
      signal: null,
    });
  });

  it('reads CONTENT_LENGTH bytes of standard input and no more, though it stays open', async () => {
    const ended = await run('/digest', { CONTENT_LENGTH: '5' }, { bytes: 'hello world' });
    expect(bodyOf(ended)).toBe(`5 ${sha('hello')}`);
  });

  it.each(['', '0', 'five', '-1'])('reads nothing when CONTENT_LENGTH is %j', async (length) => {
    const ended = await run('/digest', { CONTENT_LENGTH: length }, { bytes: 'hello' });
    expect(bodyOf(ended)).toBe(`0 ${sha('')}`);
  });

  it('reads a body in chunks, which has no length, to the end of standard input', async () => {
    const variables = { HTTP_TRANSFER_ENCODING: 'chunked' };
    const ended = await run('/digest', variables, { bytes: 'hello', end: true });
    expect(bodyOf(ended)).toBe(`5 ${sha('hello')}`);
  });

  it('takes a body that ends before CONTENT_LENGTH for a client that has gone', async () => {
    const ended = await run('/digest', { CONTENT_LENGTH: '9' }, { bytes: 'hello', end: true });
    expect(ended).toEqual({ stdout: '', stderr: '', code: 0, signal: null });
  });

  it('answers 413 to a body over maxBodySize, whether its length is known or not', async () => {
    const known = await run('/digest?limit', { CONTENT_LENGTH: '9', LIMIT: '4' }, { end: true });
    expect(known.stdout).toMatch(/^Status: 413 /);
    const variables = { HTTP_TRANSFER_ENCODING: 'chunked', LIMIT: '4' };
    const unknown = await run('/digest', variables, { bytes: 'hello', end: true });
    expect(unknown.stdout).toMatch(/^Status: 413 /);
  });

  it('takes in a body that the application leaves unread', async () => {
    const script = new Script('/unread', { CONTENT_LENGTH: '2000000' });
    const taken = new Promise<void>((resolve) =>
      script.child.stdin.end(Buffer.alloc(2_000_000), () => resolve()),
    );
    const ended = await script.ended();
    expect(bodyOf(ended)).toBe('not read');
    await taken;
    expect(script.child.stdin.errored).toBeNull();
  });

  it.each([
    ['a byte was read of it', '/part?byte', { CONTENT_LENGTH: '2000000' }],
    ['a read still waits for all of it', '/part?waits', { CONTENT_LENGTH: '2000000' }],
    ['a byte was read of it, in chunks', '/part?byte', { HTTP_TRANSFER_ENCODING: 'chunked' }],
  ])('takes in what is left of a body when %s', async (_what, path, variables) => {
    const script = new Script(path, variables);
    const taken = new Promise<void>((resolve) =>
      script.child.stdin.end(Buffer.alloc(2_000_000), () => resolve()),
    );
    const ended = await script.ended();
    expect([bodyOf(ended), ended.stderr, ended.code]).toEqual(['read in part', '', 0]);
    await taken;
    expect(script.child.stdin.errored).toBeNull();
  });

  it('is over in order when the application answers though its body was cut short', async () => {
    const input = { bytes: 'hello', end: true };
    const ended = await run('/part?all', { CONTENT_LENGTH: '9' }, input);
    expect([bodyOf(ended), ended.stderr, ended.code]).toEqual(['read in part', '', 0]);
  });

  it('adds the environ option last', async () => {
    const { stdout } = await run('/environ', {
      EXTRA: '{"REMOTE_USER":"ann","PATH_INFO":"/environ"}',
    });
    expect(stdout).toContain('"REMOTE_USER":"ann"');
  });

  it.runIf(process.platform === 'linux')('lets all bytes out before run() is over', () => {
    // A pipe of Linux holds 64 KiB. With the header fields the first chunk fills it, so the second one has to wait.
    const first = 65_536 - 'Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n'.length;
    const env = {
      PATH: process.env['PATH'],
      NODE: process.execPath,
      PROBE,
      GATEWAY_INTERFACE: 'CGI/1.1',
      REQUEST_METHOD: 'GET',
      PATH_INFO: '/tail',
      QUERY_STRING: String(first),
      EXIT_AFTER: '1',
    };
    const piped = execFileSync('/bin/sh', ['-c', '"$NODE" "$PROBE" | (sleep 1; wc -c)'], { env });
    expect(Number(piped)).toBe(65_540);
  });

  it('sends a large body to a reader that is slow at first', async () => {
    const script = new Script('/big?3000000', { EXIT_AFTER: '1' });
    script.child.stdout.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    script.child.stdout.resume();
    const ended = await script.ended();
    expect([bodyOf(ended).length, ended.code]).toEqual([3_000_000, 0]);
  });

  it('answers 500 without diagnostics to an error before the header fields, and exits well', async () => {
    const ended = await run('/error');
    expect(ended.stdout).toBe(
      'Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 59\r\n\r\nA server error occurred.  Please contact the administrator.',
    );
    expect(ended.stderr).toContain('Error: a secret of the application\n    at ');
    expect(ended.code).toBe(0);
  });

  it.each(['fails', 'short'])('exits with 1 when the body breaks off: %s', async (route) => {
    const ended = await run(`/${route}`);
    expect(bodyOf(ended)).toMatch(/^(begun|short)$/);
    expect(ended.stderr).not.toBe('');
    expect(ended.code).toBe(1);
  });

  it.each(['endless', 'flood'])('ends quietly when nobody reads any more: %s', async (route) => {
    const marker = join(folder, route);
    const script = new Script(`/${route}?${marker}`);
    script.child.stdout.once('data', () => script.child.stdout.destroy());
    const { stderr, code, signal } = await script.ended();
    expect({ stderr, code, signal }).toEqual({ stderr: '', code: 0, signal: null });
    expect(readFileSync(marker, 'utf8')).toMatch(/^closed( 1)?, aborted true$/);
  });

  it('closes the body at SIGTERM, and then dies of it', async () => {
    const marker = join(folder, 'silent');
    const script = new Script(`/silent?${marker}`);
    await expect.poll(() => script.stdout).toContain('first');
    script.child.kill('SIGTERM');
    const { stderr, signal } = await script.ended();
    expect({ stderr, signal }).toEqual({ stderr: '', signal: 'SIGTERM' });
    expect(readFileSync(marker, 'utf8')).toBe('closed');
  });

  it('removes HTTP_PROXY, which under CGI is a field of the request', async () => {
    const { stdout } = await run('/proxy', { HTTP_PROXY: 'http://evil.example' });
    expect(stdout).toMatch(/\r\n\r\nundefined undefined$/);
  });

  it('refuses a function for environ, which it has nothing to ask for', () => {
    const environ = () => ({ REMOTE_USER: 'ann' });
    expect(() => new CGIHandler({ environ: environ as never })).toThrow(
      'environ must be an object, not a function',
    );
  });

  it('refuses what is no application, and what is no option', async () => {
    const { stderr, code } = await run('/environ', { BROKEN: 'app' });
    expect([stderr, code]).toEqual([
      expect.stringContaining('a gateway application is a function'),
      1,
    ]);
    const option = await run('/environ', { LIMIT: 'many' });
    expect([option.stderr, option.code]).toEqual([
      expect.stringContaining('maxBodySize must be'),
      1,
    ]);
  });
});
