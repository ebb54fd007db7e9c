import { type ParserLimits, ProtocolError, RequestParser } from '@wsgi/simple-server/parser';
import { expect, it } from 'vitest';

/** The status with which the input is refused, fed in pieces of `size`; `null` when it is not. */
function refusal(text: string, limits: Partial<ParserLimits>, size: number): number | null {
  const parser = new RequestParser(limits);
  try {
    for (let at = 0; at < text.length; at += size) {
      parser.feed(Buffer.from(text.slice(at, at + size), 'latin1'));
      while (parser.next() !== null);
    }
  } catch (error) {
    if (error instanceof ProtocolError) return error.status;
    throw error;
  }
  return null;
}

const long = 'x'.repeat(20_000);
const head = 'POST / HTTP/1.1\r\nHost: a\r\n';
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
/** A chunk of one byte whose line has this many. */
const chunkLine = (length: number): string => `1;${'a'.repeat(length - 2)}\r\na\r\n`;
const short = '1\r\na\r\n'.repeat(20_000);
/** As many lines of the longest kind as extensions may fill, but for the 16 bytes of each that count for none. */
const extensions = chunkLine(1024).repeat(16) + chunkLine(16 + 16 * 16);
/** The end of a body, whose trailer has this many bytes. */
const trailer = (size: number): string => `0\r\nX: ${'x'.repeat(size - 5)}\r\n\r\n`;
const exact = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100 - 32)}\r\n\r\n`;

const cases: ReadonlyArray<[number | null, string, string, Partial<ParserLimits>]> = [
  [414, 'a request line without an end', `GET /${long}`, {}],
  [414, 'a long request line', `GET /${long} HTTP/1.1\r\nHost: a\r\n\r\n`, {}],
  [414, 'empty lines without an end', '\r\n'.repeat(20_000), {}],
  [431, 'a field without an end', `${head}X: ${long}`, {}],
  [431, 'long fields', `${head}${`X: ${'x'.repeat(1000)}\r\n`.repeat(20)}\r\n`, {}],
  [null, 'a head of just maxHeaderSize', exact, { maxHeaderSize: exact.length }],
  [431, 'a head of one byte more', exact, { maxHeaderSize: exact.length - 1 }],
  [null, 'a hundred fields', `${head}${'X: y\r\n'.repeat(99)}\r\n`, {}],
  [431, 'a hundred and one', `${head}${'X: y\r\n'.repeat(100)}\r\n`, {}],
  [null, 'a body of maxBodySize', `${head}Content-Length: 5\r\n\r\n`, { maxBodySize: 5 }],
  [413, 'a body of one byte more', `${head}Content-Length: 6\r\n\r\n`, { maxBodySize: 5 }],
  [400, 'a chunk size without an end', `${chunked}${'0'.repeat(2000)}`, {}],
  [400, 'a chunk extension without an end', `${chunked}5;a=${long}`, {}],
  [400, 'many long extensions', `${chunked}${`1;a=${'x'.repeat(900)}\r\na\r\n`.repeat(20)}`, {}],
  [400, 'bytes without an end after a chunk', `${chunked}1\r\na${long}`, {}],
  [null, 'a chunk header of 1024 bytes', chunked + chunkLine(1024), {}],
  [400, 'a chunk header of one byte more', chunked + chunkLine(1025), {}],
  [null, 'extensions of 16 KiB', chunked + extensions, {}],
  [400, 'extensions of one byte more', chunked + extensions + chunkLine(17), {}],
  [400, 'as many behind short chunks', chunked + short + extensions + chunkLine(17), {}],
  [null, 'any number of chunks without extensions', chunked + short, {}],
  [null, 'a trailer of just maxHeaderSize', chunked + trailer(100), { maxHeaderSize: 100 }],
  [431, 'a trailer of one byte more', chunked + trailer(101), { maxHeaderSize: 100 }],
  [null, 'a hundred trailers', `${chunked}0\r\n${'X: y\r\n'.repeat(100)}\r\n`, {}],
  [431, 'a trailer without an end', `${chunked}0\r\nX: ${long}`, {}],
  [431, 'long trailers', `${chunked}0\r\n${`X: ${'x'.repeat(1000)}\r\n`.repeat(20)}`, {}],
  [431, 'a hundred and one trailers', `${chunked}0\r\n${'X: y\r\n'.repeat(101)}\r\n`, {}],
];

it.each(cases)('answers %j to %s', (status, _what, text, limits) => {
  expect(refusal(text, limits, text.length)).toBe(status);
  expect(refusal(text, limits, 7)).toBe(status);
});
