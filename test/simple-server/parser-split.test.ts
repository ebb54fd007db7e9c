import { expect, it } from 'vitest';
import { requests } from './fuzz/corpus.ts';
import { parseWithOurs } from './fuzz/ours.ts';

const input = Buffer.from(requests.join(''), 'latin1').subarray(0, 4200);

it('sees the same requests when the bytes come one by one', () => {
  for (const text of requests) {
    const bytes = Buffer.from(text, 'latin1');
    const single = Array.from(bytes, (byte) => Buffer.of(byte));
    expect(parseWithOurs(single)).toEqual(parseWithOurs([bytes]));
  }
});

it('sees the same requests wherever the bytes are cut in two', () => {
  const whole = parseWithOurs([input]);
  for (let at = 0; at <= input.length; at++) {
    expect(parseWithOurs([input.subarray(0, at), input.subarray(at)])).toEqual(whole);
  }
});

it('sees the same requests when more bytes come than are asked for', () => {
  const whole = parseWithOurs([input]);
  for (const size of [1, 7, 50, 300]) {
    const chunks = Array.from({ length: Math.ceil(input.length / size) }, (_, index) =>
      input.subarray(index * size, (index + 1) * size),
    );
    for (const most of [0, 1]) expect(parseWithOurs(chunks, most)).toEqual(whole);
  }
});

it('sees the same requests when a line lies across its steps of 4096 bytes', () => {
  for (let padding = 4030; padding < 4110; padding++) {
    const field = `X: ${'x'.repeat(padding)}\r\n`;
    const text = `GET /1 HTTP/1.1\r\nHost: a\r\n${field}\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n`;
    const { requests: seen, error } = parseWithOurs([Buffer.from(text)]);
    expect(error).toBeNull();
    expect(seen.map((request) => request.target)).toEqual(['/1', '/2']);
    expect(seen[0]?.rawHeaders[3]).toHaveLength(padding);
  }
});
