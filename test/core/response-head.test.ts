import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Environ, Headers, type SimpleHandler } from '@wsgi/core';
import { http2Fields, mergeVary } from '@wsgi/core/node';
import { mountGateway } from '@wsgi/http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { answering, stage } from './handler-stage.ts';

describe('the head', () => {
  const run = (
    variables: object,
    set: Partial<SimpleHandler>,
    headers: [string, string][] = [],
  ) => {
    const { handler, output, log } = stage(variables);
    Object.assign(handler, set);
    const seen: Environ[] = [];
    handler.run((environ, startResponse) => {
      seen.push(environ);
      startResponse('200 OK', headers);
      return [Buffer.from('a')];
    });
    return { environ: seen[0], text: output.written, log };
  };

  it('is left out for HTTP/0.9, which knows none', () => {
    expect(run({ SERVER_PROTOCOL: 'HTTP/0.9' }, {}).text).toBe('a');
  });

  it('names the server, and so does the environ, unless they do so themselves', () => {
    const named = run({}, { serverSoftware: 'mine/1' });
    expect(named.environ?.SERVER_SOFTWARE).toBe('mine/1');
    expect(named.text).toContain('\r\nServer: mine/1\r\n');
    const other = run({ SERVER_SOFTWARE: 'front/2' }, { serverSoftware: 'mine/1' }, [
      ['Server', 'app/3'],
      ['Date', 'now'],
    ]);
    expect(other.environ?.SERVER_SOFTWARE).toBe('front/2');
    expect(other.text.match(/^(Server|Date): .*$/gm)).toEqual(['Server: app/3', 'Date: now']);
  });

  it('names no server that has an empty name', () => {
    const { environ, text } = run({}, { serverSoftware: '' });
    expect(environ).not.toHaveProperty('SERVER_SOFTWARE');
    expect(text).not.toContain('Server:');
  });

  it('has the time at which it is sent', () => {
    const clock = vi.spyOn(Date, 'now');
    onTestFinished(() => clock.mockRestore());
    const dates = [0, 999, 1000].map((now) => {
      clock.mockReturnValue(now);
      return /^Date: .*$/m.exec(run({}, {}).text)?.[0];
    });
    expect(dates).toEqual([
      'Date: Thu, 01 Jan 1970 00:00:00 GMT',
      'Date: Thu, 01 Jan 1970 00:00:00 GMT',
      'Date: Thu, 01 Jan 1970 00:00:01 GMT',
    ]);
  });

  it.each([
    ['Headers', new Headers([['Content-Type', 'text/plain']])],
    ['an object', { 'Content-Type': 'text/plain' }],
  ])('is refused where its fields are %s, with what makes a list of them', (_kind, headers) => {
    expect(run({}, {}, headers as never).log.join('')).toMatch(
      /headers must be an array .*; \[\.\.\.headers\] makes one of Headers or a Map, Object\.entries\(headers\) of an object\n/,
    );
  });

  it('goes to an HTTP/0.9 client, too, where a server stands behind', () => {
    const { text } = run({ SERVER_PROTOCOL: 'HTTP/0.9' }, { originServer: false });
    expect(text).toBe('Status: 200 OK\r\nContent-Length: 1\r\n\r\na');
  });

  it('is a Status field and no status line where a server stands behind', () => {
    const { text, environ } = run({}, { originServer: false, serverSoftware: 'mine/1' });
    expect(environ).not.toHaveProperty('SERVER_SOFTWARE');
    expect(text).toBe('Status: 200 OK\r\nContent-Length: 1\r\n\r\na');
  });
});

describe('a body of unknown length', () => {
  const framing = (protocol: string, set: Partial<SimpleHandler>): string | undefined => {
    const { handler, output } = stage({ SERVER_PROTOCOL: protocol });
    Object.assign(handler, set);
    handler.run(answering([Buffer.from('a')].values()));
    return /^Transfer-Encoding: .*$/m.exec(output.written)?.[0];
  };

  it('goes in chunks where both sides speak HTTP/1.1', () => {
    expect(framing('HTTP/1.1', { httpVersion: '1.1' })).toBe('Transfer-Encoding: chunked');
  });

  it.each<[why: string, protocol: string, set: Partial<SimpleHandler>]>([
    ['the client speaks HTTP/1.0', 'HTTP/1.0', { httpVersion: '1.1' }],
    ['the status line says HTTP/1.0', 'HTTP/1.1', { httpVersion: '1.0' }],
    ['a server stands behind', 'HTTP/1.1', { httpVersion: '1.1', originServer: false }],
  ])('goes as it is where %s', (_why, protocol, set) => {
    expect(framing(protocol, set)).toBeUndefined();
  });
});

describe('http2Fields', () => {
  it("leaves out HTTP/1's fields, and the white space around a value", () => {
    const headers = new Headers([
      ['X-A', ' \t a \t b\t  '],
      ['HTTP2-Settings', 'x'],
      ['proxy-Connection', 'x'],
      ['X-B', 'b'],
    ]);
    expect(http2Fields(headers)).toEqual([
      ['X-A', 'a \t b'],
      ['X-B', 'b'],
    ]);
  });
});

describe('mergeVary', () => {
  it('names each field once, in any case, and leaves out what names none', () => {
    expect(mergeVary(['Accept, ,Origin', 'accept,', 'ORIGIN, Cookie'])).toBe(
      'Accept, Origin, Cookie',
    );
    expect(mergeVary(['Accept', '*'])).toBe('*');
  });
});

it('sends just the bytes that a small view of a larger buffer shows', async () => {
  const bytes = new Uint8Array(Buffer.from('beforewithinbehind'));
  const gateway = mountGateway((_environ, startResponse) => {
    startResponse('200 OK', []);
    return [bytes.subarray(6, 12)];
  });
  const server = createServer(gateway).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: 'close' } });
  expect(await answer.text()).toBe('within');
});
