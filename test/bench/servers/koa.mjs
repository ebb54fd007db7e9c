import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Koa from 'koa';
import * as work from '../work.mjs';

const jsonHeaders = Object.fromEntries(work.jsonHeaders);
const bytes = { objectMode: false };

async function* events() {
  for (let sent = 0; sent < work.events; sent += 1) {
    yield work.event;
    await sleep(work.eventPause);
  }
}

const add = (name) => async (context, next) => {
  await next();
  context.set(name, 'yes');
};
const deep = ['X-One', 'X-Two', 'X-Three'].map(add);

const routes = {
  '/text': (context) => {
    context.body = work.text;
  },
  '/json': (context) => {
    context.set(jsonHeaders);
    context.body = work.jsonText();
  },
  '/echo': async (context) => {
    if (context.request.length > work.KIB) {
      context.length = context.request.length;
      context.body = context.req;
      return;
    }
    const parts = [];
    for await (const part of context.req) parts.push(part);
    context.body = Buffer.concat(parts);
  },
  '/array': (context) => {
    context.body = work.large;
  },
  '/generator': (context) => {
    context.body = Readable.from(work.generate(), bytes);
  },
  '/async-generator': (context) => {
    context.body = Readable.from(work.generateLater(), bytes);
  },
  '/file': async (context) => {
    const { size } = await stat(work.filePath);
    context.body = createReadStream(work.filePath);
    context.length = size;
  },
  '/events': (context) => {
    context.type = 'text/event-stream';
    context.body = Readable.from(events(), bytes);
  },
  '/middleware': (context) =>
    deep.reduceRight(
      (next, middleware) => () => middleware(context, next),
      async () => routes['/text'](context),
    )(),
};

const app = new Koa();
app.silent = true;
app.use((context) => {
  context.type = 'text/plain';
  return routes[context.path](context);
});
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
