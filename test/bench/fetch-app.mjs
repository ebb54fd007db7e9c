// All items as a fetch handler: Request in, Response out.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import * as work from './work.mjs';

const plain = { 'Content-Type': 'text/plain' };
const stream = (iterable) => ReadableStream.from(iterable);

async function* events() {
  for (let sent = 0; sent < work.events; sent += 1) {
    yield work.event;
    await sleep(work.eventPause);
  }
}

const routes = {
  '/text': () => new Response('Hello, world!', { headers: plain }),
  '/json': () => new Response(work.jsonText(), { headers: work.jsonHeaders }),
  '/echo': async (request) => {
    const length = request.headers.get('content-length');
    if (Number(length) > work.KIB) {
      return new Response(request.body, { headers: { ...plain, 'Content-Length': length } });
    }
    return new Response(await request.arrayBuffer(), { headers: plain });
  },
  '/array': () => new Response(work.large, { headers: plain }),
  '/generator': () => new Response(stream(work.generate()), { headers: plain }),
  '/async-generator': () => new Response(stream(work.generateLater()), { headers: plain }),
  '/file': async () => {
    const { size } = await stat(work.filePath);
    const body = Readable.toWeb(createReadStream(work.filePath));
    return new Response(body, { headers: { ...plain, 'Content-Length': String(size) } });
  },
  '/events': () =>
    new Response(stream(events()), { headers: { 'Content-Type': 'text/event-stream' } }),
};

const add = (handler, name) => async (request) => {
  const response = await handler(request);
  response.headers.set(name, 'yes');
  return response;
};
routes['/middleware'] = add(add(add(routes['/text'], 'X-One'), 'X-Two'), 'X-Three');

export const fetch = (request) => {
  const { url } = request;
  return routes[url.slice(url.indexOf('/', 8))](request);
};
