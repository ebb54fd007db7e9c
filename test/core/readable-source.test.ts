/** A read of a request's body that waits, and what ends its wait. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { ClientDisconnectedError } from '@wsgi/core';
import { ReadableSource } from '@wsgi/core/handlers';
import { expect, it } from 'vitest';

it('leaves what comes to somebody else, once it has let go', async () => {
  const stream = new PassThrough();
  const source = new ReadableSource(stream);
  const pulled = source.pull();
  stream.write('for another');
  source.release();
  expect(await pulled).toBeNull();
  expect(String(stream.read())).toBe('for another');
});

it('listens once, however often it waits', async () => {
  const stream = new PassThrough();
  const source = new ReadableSource(stream);
  const before = stream.listenerCount('readable');
  for (let chunk = 0; chunk < 5; chunk += 1) {
    const pulled = source.pull();
    stream.write('x');
    expect(String(await pulled)).toBe('x');
  }
  expect(stream.listenerCount('readable') - before).toBe(1);
});

it('rejects with what the stream has failed with, which ends no process', async () => {
  const stream = new PassThrough();
  const pulled = new ReadableSource(stream).pull();
  stream.destroy(new Error('broken'));
  await expect(pulled).rejects.toThrow('broken');
});

it('says of a stream that was reset that the client has gone', async () => {
  const stream = new PassThrough();
  const pulled = new ReadableSource(stream).pull();
  stream.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
  await expect(pulled).rejects.toThrow(ClientDisconnectedError);
});

it('rejects when the stream closes before its end', async () => {
  const stream = new PassThrough();
  const pulled = new ReadableSource(stream).pull();
  stream.destroy();
  await expect(pulled).rejects.toThrow(ClientDisconnectedError);
});

it('rejects when the stream has closed before its end, long ago', async () => {
  const stream = new PassThrough().destroy();
  await once(stream, 'close');
  expect(() => new ReadableSource(stream).pull()).toThrow(ClientDisconnectedError);
});

it('rejects when somebody else is at the stream, who has not come to its end', async () => {
  const stream = new PassThrough();
  stream.write('for another');
  await once(stream, 'data');
  expect(() => new ReadableSource(stream).pull()).toThrow(/has been read by something else/);
});
