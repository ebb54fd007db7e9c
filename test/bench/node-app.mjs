// All items as a handler of node:http, written as its users write them.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as work from './work.mjs';

const plain = { 'Content-Type': 'text/plain' };
const jsonHeaders = Object.fromEntries(work.jsonHeaders);

async function send(response, body) {
  await pipeline(body, response).catch(() => {});
}

async function readAll(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

export const routes = {
  '/text': (_request, response) => {
    response.writeHead(200, { ...plain, 'Content-Length': work.text.length });
    response.end(work.text);
  },
  '/json': (_request, response) => {
    const body = Buffer.from(work.jsonText());
    response.writeHead(200, { ...jsonHeaders, 'Content-Length': body.length });
    response.end(body);
  },
  '/echo': async (request, response) => {
    const length = request.headers['content-length'];
    if (Number(length) > work.KIB) {
      response.writeHead(200, { ...plain, 'Content-Length': length });
      await send(response, request);
      return;
    }
    const body = await readAll(request);
    response.writeHead(200, { ...plain, 'Content-Length': body.length });
    response.end(body);
  },
  '/array': (_request, response) => {
    response.writeHead(200, { ...plain, 'Content-Length': work.large.length });
    response.end(work.large);
  },
  '/generator': (_request, response) => {
    response.writeHead(200, plain);
    return send(response, Readable.from(work.generate(), { objectMode: false }));
  },
  '/async-generator': (_request, response) => {
    response.writeHead(200, plain);
    return send(response, Readable.from(work.generateLater(), { objectMode: false }));
  },
  '/file': async (_request, response) => {
    const file = await open(work.filePath);
    const { size } = await file.stat();
    response.writeHead(200, { ...plain, 'Content-Length': size });
    await send(response, createReadStream('', { fd: file }));
  },
  '/events': async (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (let sent = 0; sent < work.events; sent += 1) {
      response.write(work.event);
      await sleep(work.eventPause);
    }
    response.end();
  },
};

const add = (handler, name) => (request, response) => {
  response.setHeader(name, 'yes');
  handler(request, response);
};
routes['/middleware'] = add(add(add(routes['/text'], 'X-One'), 'X-Two'), 'X-Three');

export const handler = (request, response) => routes[request.url](request, response);
