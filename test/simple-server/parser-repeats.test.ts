import { type RequestEvent, RequestParser } from '@wsgi/simple-server/parser';
import { expect, it } from 'vitest';
import { requests } from './fuzz/corpus.ts';
import { cut, makeInput } from './fuzz/mutate.ts';
import { parseWithOurs } from './fuzz/ours.ts';
import { type Random, randomFrom } from './fuzz/random.ts';

const seeds = Array.from({ length: 2000 }, (_, seed) => seed);

/** Reads one request without a body. */
function readRequest(parser: RequestParser, text: string): RequestEvent {
  parser.feed(Buffer.from(text, 'latin1'));
  const event = parser.next();
  if (event?.type !== 'request') expect.unreachable(`no request but ${event?.type}`);
  expect(parser.next()?.type).toBe('end');
  return event;
}

/** What the parser sees, and the status of its refusal: which fault it names first depends on the cuts. */
function look(chunks: readonly Buffer[]): unknown[] {
  const { requests: seen, error } = parseWithOurs(chunks);
  return [...seen, error?.status];
}

/** Several requests of few kinds, so that header sections follow each other that are equal, or nearly so. */
function makeRepeats(random: Random): Buffer {
  const kinds = [random.pick(requests), random.pick(requests)];
  const parts = Array.from({ length: 2 + random.below(4) }, () =>
    Buffer.from(random.pick(kinds), 'latin1'),
  );
  return Buffer.concat([...parts, makeInput(random)]);
}

it('sees the same in header sections that repeat as in those that come byte by byte', () => {
  let seen = 0;
  for (const seed of seeds) {
    const random = randomFrom(seed);
    const input = makeRepeats(random);
    const single = look(Array.from(input, (byte) => Buffer.of(byte)));
    expect(look([input]), `seed ${seed}`).toEqual(single);
    expect(look(cut(input, random)), `seed ${seed}`).toEqual(single);
    seen += single.length - 1;
  }
  // Inputs that are refused at once would prove nothing.
  expect(seen).toBeGreaterThan(2 * seeds.length);
});

it('sees a field that has changed where the section is as long as before', () => {
  const parser = new RequestParser();
  for (const value of ['one', 'one', 'two', 'one', 'ONE']) {
    const { rawHeaders } = readRequest(parser, `GET / HTTP/1.1\r\nHost: a\r\nX: ${value}\r\n\r\n`);
    expect(rawHeaders).toEqual(['Host', 'a', 'X', value]);
  }
});

it('reads the version anew where the header section repeats', () => {
  const parser = new RequestParser();
  const section = 'Host: a\r\nExpect: 100-continue\r\n\r\n';
  expect(readRequest(parser, `GET / HTTP/1.1\r\n${section}`).keepAlive).toBe(true);
  expect(readRequest(parser, `GET / HTTP/1.0\r\n${section}`).keepAlive).toBe(false);
});

it('reads the body of each request where the header section repeats', () => {
  const section = 'Host: a\r\nContent-Length: 3\r\n\r\n';
  const input = ['abc', 'def', 'ghi'].map((body) => `POST / HTTP/1.1\r\n${section}${body}`);
  const seen = parseWithOurs([Buffer.from(input.join(''))]);
  expect(seen.requests.map(({ body }) => body)).toEqual(['abc', 'def', 'ghi']);
});

it('gives requests a list that none of them can change for the next', () => {
  const parser = new RequestParser();
  const text = 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n';
  for (let turn = 0; turn < 3; turn += 1) {
    const { rawHeaders } = readRequest(parser, text);
    expect(rawHeaders).toEqual(['Host', 'a', 'X', '1']);
    expect(Object.isFrozen(rawHeaders)).toBe(true);
  }
});

it('counts a header section that repeats towards the size of its head', () => {
  const parser = new RequestParser({ maxHeaderSize: 100 });
  const section = `Host: a\r\nX: ${'x'.repeat(40)}\r\n\r\n`;
  readRequest(parser, `GET / HTTP/1.1\r\n${section}`);
  parser.feed(Buffer.from(`GET /${'p'.repeat(50)} HTTP/1.1\r\n${section}`));
  expect(() => parser.next()).toThrow(expect.objectContaining({ status: 431 }));
});
