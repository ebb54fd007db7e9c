/** What the parser holds of the bytes that it is given, and for how long. */
import { RequestParser } from '@wsgi/simple-server/parser';
import { expect, it } from 'vitest';

/** What `next` throws, if it throws before nothing more comes. */
function failure(parser: RequestParser): unknown {
  try {
    while (parser.next() !== null);
  } catch (error) {
    return error;
  }
  return undefined;
}

it('reads a chunk as far as it is told, and gives bytes that stay when the chunk is written over', () => {
  const parser = new RequestParser();
  const lent = Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc!!!!!!');
  parser.feed(lent, lent.length - 6);
  expect(parser.next()?.type).toBe('request');
  const event = parser.next();
  lent.fill('!');
  expect(event).toEqual({ type: 'data', data: Buffer.from('abc') });
  expect(parser.next()).toBeNull();
});

it('is idle between requests alone', () => {
  const parser = new RequestParser();
  const steps: [text: string, isIdle: boolean][] = [
    ['', true],
    ['\r\n', true],
    ['PO', false],
    ['ST / HTTP/1.1\r\n', false],
    ['Host: a\r\nContent-Length: 2\r\n\r\n', false],
    ['a', false],
    ['b', true],
  ];
  for (const [text, isIdle] of steps) {
    parser.feed(Buffer.from(text));
    expect(parser.isIdle, `before ${JSON.stringify(text)} is read`).toBe(text === '');
    failure(parser);
    expect(parser.isIdle, `after ${JSON.stringify(text)}`).toBe(isIdle);
  }
});

it.each(['GET / HTTP/1.0\r\n\r\n', 'nonsense\r\n'])(
  'holds nothing of what comes behind %j, which ends the connection',
  (text) => {
    const parser = new RequestParser();
    parser.feed(Buffer.from(`${text}GET /2 HTTP/1.0\r\n\r\n`));
    failure(parser);
    expect([parser.unread, parser.isIdle]).toEqual([0, true]);
    parser.feed(Buffer.from('GET /3 HTTP/1.0\r\n\r\n'));
    failure(parser);
    expect([parser.unread, parser.isIdle]).toEqual([0, true]);
  },
);

it('refuses all that comes behind what it has refused, for the same reason', () => {
  const parser = new RequestParser();
  parser.feed(Buffer.from('GET / HTTP/3.0\r\n'));
  const first = failure(parser);
  expect(first).toMatchObject({ status: 505 });
  parser.feed(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
  expect(failure(parser)).toBe(first);
});
