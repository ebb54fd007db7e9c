import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import * as work from '../work.mjs';

const app = Fastify({ bodyLimit: 2 * work.MIB });
const jsonHeaders = Object.fromEntries(work.jsonHeaders);
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

const plain = (reply) => reply.header('content-type', 'text/plain');

app.get('/text', (_request, reply) => plain(reply).send(work.text));
app.get('/json', (_request, reply) => reply.headers(jsonHeaders).send(work.jsonText()));
app.post('/echo', async (request, reply) => {
  const length = request.headers['content-length'];
  if (Number(length) > work.KIB) {
    return plain(reply).header('content-length', length).send(request.body);
  }
  const parts = [];
  for await (const part of request.body) parts.push(part);
  return plain(reply).send(Buffer.concat(parts));
});
app.get('/array', (_request, reply) => plain(reply).send(work.large));
const bytes = { objectMode: false };
app.get('/generator', (_request, reply) =>
  plain(reply).send(Readable.from(work.generate(), bytes)),
);
app.get('/async-generator', (_request, reply) =>
  plain(reply).send(Readable.from(work.generateLater(), bytes)),
);
app.get('/file', async (_request, reply) => {
  const { size } = await stat(work.filePath);
  return plain(reply).header('content-length', size).send(createReadStream(work.filePath));
});
async function* events() {
  for (let sent = 0; sent < work.events; sent += 1) {
    yield work.event;
    await sleep(work.eventPause);
  }
}
app.get('/events', (_request, reply) =>
  reply.header('content-type', 'text/event-stream').send(Readable.from(events(), bytes)),
);
const add = (name) => (_request, reply, done) => {
  reply.header(name, 'yes');
  done();
};
app.get(
  '/middleware',
  { preHandler: [add('X-One'), add('X-Two'), add('X-Three')] },
  (_request, reply) => plain(reply).send(work.text),
);

await app.listen({ port: 0, host: '127.0.0.1' });
console.log(app.server.address().port);
