#!/usr/bin/env node
// An application that shows what a web server makes of CGI, one behaviour for each path.
import { createHash } from 'node:crypto';
import { access, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CGIHandler } from '@wsgi/core/handlers';
import { readChunks } from '@wsgi/core/util';

const TEXT = [['Content-Type', 'text/plain']];

const routes = {
  environ(environ, startResponse) {
    startResponse('200 OK', [['Content-Type', 'application/json']]);
    return [Buffer.from(JSON.stringify(environ))];
  },
  async digest(environ, startResponse) {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of readChunks(environ['wsgi.input'])) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    startResponse('200 OK', TEXT);
    return [Buffer.from(`${bytes} ${hash.digest('hex')}`)];
  },
  unread(_, startResponse) {
    startResponse('200 OK', TEXT);
    return [Buffer.from('not read')];
  },
  /** Reads as the query says, and answers without the rest. */
  async part(environ, startResponse) {
    const reading = environ['wsgi.input'].read(environ.QUERY_STRING === 'byte' ? 1 : -1);
    if (environ.QUERY_STRING !== 'waits') await reading.catch(() => {});
    startResponse('200 OK', TEXT);
    return [Buffer.from('read in part')];
  },
  *big(environ, startResponse) {
    startResponse('200 OK', TEXT);
    const block = Buffer.alloc(65536, 'x');
    for (let left = Number(environ.QUERY_STRING); left > 0; left -= block.length) {
      yield block.subarray(0, Math.min(left, block.length));
    }
  },
  /** As many bytes as the query says, and a few more. */
  *tail(environ, startResponse) {
    startResponse('200 OK', TEXT);
    yield Buffer.alloc(Number(environ.QUERY_STRING), 'x');
    yield Buffer.from('tail');
  },
  fields(_, startResponse) {
    startResponse('418 Short And Stout', [
      ...TEXT,
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X-Latin', 'caf\xe9'],
    ]);
    return [Buffer.from('teapot')];
  },
  nothing(_, startResponse) {
    startResponse('204 No Content', []);
    return [];
  },
  proxy(environ, startResponse) {
    startResponse('200 OK', TEXT);
    return [Buffer.from(`${environ.HTTP_PROXY} ${process.env.HTTP_PROXY}`)];
  },
  error() {
    throw new Error('a secret of the application');
  },
  /** A chunk, and another one when the file named by the query is there. */
  stream(environ, startResponse) {
    startResponse('200 OK', TEXT);
    return (async function* () {
      yield Buffer.from('first');
      while (!(await exists(environ.QUERY_STRING))) await sleep(20);
      yield Buffer.from('second');
    })();
  },
  short(_, startResponse) {
    startResponse('200 OK', [...TEXT, ['Content-Length', '10']]);
    return [Buffer.from('short')];
  },
  async *fails(_, startResponse) {
    startResponse('200 OK', TEXT);
    yield Buffer.from('begun');
    await sleep(20);
    throw new Error('after the header fields');
  },
  /** An endless body; what ended it is written to the file named by the query. */
  endless(environ, startResponse) {
    startResponse('200 OK', TEXT);
    let closed = 0;
    return {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          yield Buffer.alloc(1024, 'x');
          await sleep(10);
        }
      },
      async close() {
        closed += 1;
        await writeFile(
          environ.QUERY_STRING,
          `closed ${closed}, aborted ${environ['gateway.signal']().aborted}`,
        );
      },
    };
  },
  /** The same, of a body that never waits for anything. */
  flood(environ, startResponse) {
    startResponse('200 OK', TEXT);
    return {
      *[Symbol.iterator]() {
        for (;;) yield Buffer.alloc(65536, 'x');
      },
      async close() {
        await writeFile(
          environ.QUERY_STRING,
          `closed, aborted ${environ['gateway.signal']().aborted}`,
        );
      },
    };
  },
  /** Waits for the client to leave, and says nothing meanwhile. */
  async silent(environ, startResponse) {
    startResponse('200 OK', TEXT);
    return {
      async *[Symbol.asyncIterator]() {
        yield Buffer.from('first');
        const signal = environ['gateway.signal']();
        // A timer: a promise alone does not keep a process alive.
        await sleep(60_000, undefined, { signal });
      },
      close: () => writeFile(environ.QUERY_STRING, 'closed'),
    };
  },
};

const { LIMIT, EXTRA, EXIT_AFTER, BROKEN } = process.env;
const handler = new CGIHandler({
  maxBodySize: LIMIT === undefined ? undefined : Number(LIMIT),
  environ: EXTRA === undefined ? undefined : JSON.parse(EXTRA),
});
await handler.run(
  BROKEN ??
    ((environ, startResponse) => routes[environ.PATH_INFO.split('/')[1]](environ, startResponse)),
);
if (EXIT_AFTER !== undefined) process.exit();

function exists(path) {
  return access(path).then(
    () => true,
    () => false,
  );
}
