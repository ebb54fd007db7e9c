/**
 * What the servers serve that run in processes of their own, and what their processes answer for.
 *
 * A path names the work, a query its measure. With TORTURE_JOURNAL, `/work` writes down what it has begun: what has
 * not, no server had read.
 */
import { appendFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readChunks } from '@wsgi/core';

const block = Buffer.alloc(65_536, 'a');
const plain = [['Content-Type', 'text/plain']];

function* blocks(bytes) {
  for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, left);
}

const works = {
  '/ok': (_environ, startResponse) => {
    startResponse('200 OK', plain);
    return [Buffer.from('ok')];
  },
  /** As many bytes as the query says. */
  '/download': (environ, startResponse) => {
    const bytes = Number(environ.QUERY_STRING);
    startResponse('200 OK', [['Content-Length', String(bytes)]]);
    return blocks(bytes);
  },
  '/download-later': async function* (environ, startResponse) {
    startResponse('200 OK', plain);
    for (const part of blocks(Number(environ.QUERY_STRING))) {
      await sleep(0);
      yield part;
    }
  },
  /** Tells how many bytes it has read. */
  '/upload': async (environ, startResponse) => {
    let size = 0;
    for await (const chunk of readChunks(environ['wsgi.input'])) size += chunk.length;
    startResponse('200 OK', plain);
    return [Buffer.from(String(size))];
  },
  '/echo': (environ, startResponse) => {
    startResponse('200 OK', plain);
    return readChunks(environ['wsgi.input']);
  },
  /** The file that the process was given. */
  '/file': async (environ, startResponse) => {
    const file = await open(process.env.TORTURE_FILE);
    startResponse('200 OK', plain);
    return new environ['wsgi.file_wrapper'](file);
  },
  '/throw': () => {
    throw new Error('planned');
  },
  '/throw-midway': async function* (_environ, startResponse) {
    startResponse('200 OK', plain);
    yield block;
    throw new Error('planned');
  },
  /** Blocks the process for so many milliseconds. */
  '/busy': (environ, startResponse) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(environ.QUERY_STRING));
    return works['/ok'](environ, startResponse);
  },
  /** Ten parts in some 50 ms, for the work of that number. */
  '/work': async function* (environ, startResponse) {
    appendFileSync(process.env.TORTURE_JOURNAL, `${process.pid} ${environ.QUERY_STRING}\n`);
    startResponse('200 OK', plain);
    for (let part = 0; part < 10; part += 1) {
      await sleep(5);
      yield Buffer.from(`${environ.QUERY_STRING};`);
    }
  },
};

export default (environ, startResponse) =>
  (works[environ.PATH_INFO] ?? works['/ok'])(environ, startResponse);
