import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { wsgiToUtf8 } from '@wsgi/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, get, nextChunk } from './request.ts';
import { apache } from './servers/apache.ts';
import { httpServer } from './servers/http-server.ts';
import { lighttpd } from './servers/lighttpd.ts';
import { nginx } from './servers/nginx.ts';
import { LIMITS, type Limit, type Running, type WebServer } from './servers/server.ts';
import { makeSite, type Site } from './site.ts';

const PROBE = '/cgi-bin/probe.mjs';
const EXAMPLE = '/cgi-bin/app.mjs';

for (const server of [apache, nginx, lighttpd, httpServer]) {
  describe.skipIf(server.missing !== undefined)(
    `an application as a CGI script under ${server.name} ${server.missing ?? ''}`,
    () => describeServer(server),
  );
}

function describeServer(server: WebServer): void {
  let site: Site;
  let running: Running;
  const can = (limit: Limit) => !server.limits.has(limit);
  /** A test of what the server's limit keeps from being shown: its name says which. */
  const unless = (limit: Limit) => (name: string, test: () => Promise<void>) =>
    it.skipIf(!can(limit))(can(limit) ? name : `${name} (not here: ${LIMITS[limit]})`, test);
  const work = (name: string) => join(site.folder, 'work', name);

  beforeAll(async () => {
    site = await makeSite();
    running = await server.start(site);
  });
  afterAll(async () => {
    await running?.stop();
    await site?.remove();
  });

  async function environ(path: string, headers: Record<string, string> = {}) {
    const { body } = await get(running.port, PROBE + path, { headers });
    return JSON.parse(body.toString());
  }

  it('runs the example: GET', async () => {
    const { status, headers, body } = await get(running.port, EXAMPLE);
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(body.toString()).toMatch(/^Hello from Node under \S+.*\n$/);
  });

  it('runs the example: POST with a body', async () => {
    const body = Buffer.from('Make this loud!');
    const got = await get(running.port, `${EXAMPLE}/upper`, { method: 'POST', body });
    expect([got.status, got.body.toString()]).toEqual([200, 'MAKE THIS LOUD!']);
  });

  it('runs the example: a streaming body', async () => {
    const { body } = await get(running.port, `${EXAMPLE}/count?3`);
    expect(body.toString()).toBe('1\n2\n3\n');
  });

  it('runs the example: an error, of which the client sees no more than that', async () => {
    const { status, headers, body } = await get(running.port, `${EXAMPLE}/broken`);
    if (can('no status')) expect(status).toBe(500);
    else expect(headers['status']).toBe('500 Internal Server Error');
    expect(body.toString()).toBe('A server error occurred.  Please contact the administrator.');
    await expect.poll(() => running.log()).toContain('this is for the log only');
  });

  it('fills the environ', async () => {
    const seen = await environ('/environ?a=1&b=%20', { 'x-some-field': 'value' });
    expect(seen).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: PROBE,
      PATH_INFO: '/environ',
      QUERY_STRING: 'a=1&b=%20',
      SERVER_PORT: String(running.port),
      SERVER_PROTOCOL: expect.stringMatching(/^HTTP\/1\.[01]$/),
      GATEWAY_INTERFACE: 'CGI/1.1',
      REMOTE_ADDR: '127.0.0.1',
      'wsgi.version': [1, 0],
      'wsgi.url_scheme': 'http',
      'wsgi.run_once': true,
      'wsgi.multiprocess': true,
      'wsgi.multithread': false,
      'wsgi.input_terminated': true,
    });
    expect(seen.SERVER_NAME).not.toBe('');
    if (can('no header fields')) expect(seen.HTTP_X_SOME_FIELD).toBe('value');
  });

  it('has strings where a request has nothing', async () => {
    const seen = await environ('/environ');
    expect(seen.QUERY_STRING).toBe('');
    expect(['', '0']).toContain(seen.CONTENT_LENGTH ?? '');
  });

  it('does not take a Proxy field for HTTP_PROXY', async () => {
    const seen = await environ('/environ', { proxy: 'http://evil.example' });
    expect(seen).not.toHaveProperty('HTTP_PROXY');
  });

  it('gives a path of UTF-8 as native string', async () => {
    const { PATH_INFO } = await environ('/environ/caf%C3%A9/%E6%97%A5');
    expect(wsgiToUtf8(PATH_INFO)).toBe('/environ/café/日');
  });

  unless('path is UTF-8')('gives the true bytes of a path that is no UTF-8', async () => {
    const { PATH_INFO } = await environ('/environ/%ff%e9');
    expect(PATH_INFO).toBe('/environ/\xff\xe9');
  });

  it('reads a body of many megabytes', async () => {
    const body = Buffer.alloc(5_000_001, 'all work and no play\n');
    const sha = createHash('sha256').update(body).digest('hex');
    const got = await get(running.port, `${PROBE}/digest`, { method: 'POST', body });
    expect(got.body.toString()).toBe(`5000001 ${sha}`);
  });

  unless('no chunked request')('reads a body that came in chunks', async () => {
    const body = Readable.from(['one', 'two', 'three'].map((text) => Buffer.from(text)));
    const sha = createHash('sha256').update('onetwothree').digest('hex');
    const got = await get(running.port, `${PROBE}/digest`, { method: 'POST', body });
    expect(got.body.toString()).toBe(`11 ${sha}`);
  });

  it('reads nothing where there is no body', async () => {
    const got = await get(running.port, `${PROBE}/digest`);
    expect(got.body.toString()).toMatch(/^0 /);
  });

  it('answers without having read the body', async () => {
    const body = Buffer.alloc(300_000, 'x');
    const got = await get(running.port, `${PROBE}/unread`, { method: 'POST', body });
    expect(got.body.toString()).toBe('not read');
  });

  it('sends a body of many megabytes, and all of it', async () => {
    const { body } = await get(running.port, `${PROBE}/big?9000001`);
    expect(body.length).toBe(9_000_001);
  });

  it('sends header fields for HEAD, and no body', async () => {
    const { headers, body } = await get(running.port, `${PROBE}/unread`, { method: 'HEAD' });
    expect(headers['content-type']).toBe('text/plain');
    expect(body.length).toBe(0);
  });

  it('sends any status and repeated fields', async () => {
    const { status, reason, headers } = await get(running.port, `${PROBE}/fields`);
    if (can('no status')) expect(status).toBe(418);
    if (can('no status') && can('own reasons')) expect(reason).toBe('Short And Stout');
    else if (!can('no status')) expect(headers['status']).toBe('418 Short And Stout');
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(headers['x-latin']).toBe('caf\xe9');
  });

  unless('no status')('sends a response without a body', async () => {
    const { status, body } = await get(running.port, `${PROBE}/nothing`);
    expect([status, body.length]).toEqual([204, 0]);
  });

  it('sends each chunk when it is there', async () => {
    const go = work('go');
    const response = await begin(running.port, `${PROBE}/stream?${go}`);
    expect(await nextChunk(response)).toBe('first');
    await writeFile(go, '');
    expect(await nextChunk(response)).toBe('second');
  });

  it('lets the client see that a body is short of its Content-Length', async () => {
    await expect(get(running.port, `${PROBE}/short`)).rejects.toThrow('aborted');
  });

  it('logs an error after the header fields; no web server breaks a body of unknown length off', async () => {
    const got = await get(running.port, `${PROBE}/fails`);
    expect(got.body.toString()).toBe('begun');
    await expect.poll(() => running.log()).toContain('after the header fields');
  });

  it.each(['endless', 'flood'])('closes the body %s once when the client leaves', async (route) => {
    const marker = work(route);
    const response = await begin(running.port, `${PROBE}/${route}?${marker}`);
    await nextChunk(response);
    response.destroy();
    await expect.poll(() => existsSync(marker)).toBe(true);
    await expect.poll(() => readFileSync(marker, 'utf8')).toMatch(/^closed( 1)?, aborted true$/);
  });

  unless('no abort')('is told that the client left while it waits', async () => {
    const marker = work('silent');
    const response = await begin(running.port, `${PROBE}/silent?${marker}`);
    await nextChunk(response);
    response.socket.resetAndDestroy();
    await expect.poll(() => existsSync(marker)).toBe(true);
  });
}
