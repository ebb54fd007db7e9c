#!/usr/bin/env node
/**
 * A gateway application as a CGI script: put it where a web server looks for scripts, and make it executable.
 *
 *   GET  SCRIPT/           says hello, and which web server runs it
 *   POST SCRIPT/upper      the body in upper case, as it comes
 *   GET  SCRIPT/count?10   that many lines, one at a time
 *   GET  SCRIPT/broken     an error: a 500 to the client, the stack to the web server's log
 */
import { CGIHandler } from '@wsgi/core/handlers';
import { readChunks, wsgiToUtf8 } from '@wsgi/core/util';

const routes = { '': hello, '/': hello, '/upper': upper, '/count': count, '/broken': broken };

await new CGIHandler().run((environ, startResponse) => {
  const route = routes[environ.PATH_INFO] ?? notFound;
  return route(environ, startResponse);
});

function hello(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from(`Hello from Node under ${environ.SERVER_SOFTWARE}\n`)];
}

async function* upper(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', environ.CONTENT_TYPE || 'text/plain']]);
  for await (const chunk of readChunks(environ['wsgi.input'])) {
    yield chunk.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));
  }
}

async function* count(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  const last = Math.min(Number(environ.QUERY_STRING) || 10, 1000);
  for (let line = 1; line <= last; line += 1) {
    yield Buffer.from(`${line}\n`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function broken() {
  throw new Error('this is for the log only');
}

function notFound(environ, startResponse) {
  startResponse('404 Not Found', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from(`There is nothing at ${wsgiToUtf8(environ.PATH_INFO)}\n`)];
}
