// All items as one gateway application.
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readChunks } from '@wsgi/core';
import * as work from './work.mjs';

const plain = [['Content-Type', 'text/plain']];

const routes = {
  '/text': (_environ, startResponse) => {
    startResponse('200 OK', plain);
    return [work.text];
  },
  '/json': (_environ, startResponse) => {
    startResponse('200 OK', work.jsonHeaders);
    return [Buffer.from(work.jsonText())];
  },
  '/echo': async (environ, startResponse) => {
    if (Number(environ.CONTENT_LENGTH) > work.KIB) {
      startResponse('200 OK', [...plain, ['Content-Length', environ.CONTENT_LENGTH]]);
      return readChunks(environ['wsgi.input']);
    }
    const body = await environ['wsgi.input'].read();
    startResponse('200 OK', plain);
    return [body];
  },
  '/array': (_environ, startResponse) => {
    startResponse('200 OK', plain);
    return [work.large];
  },
  '/generator': (_environ, startResponse) => {
    startResponse('200 OK', plain);
    return work.generate();
  },
  '/async-generator': (_environ, startResponse) => {
    startResponse('200 OK', plain);
    return work.generateLater();
  },
  '/file': async (environ, startResponse) => {
    const file = await open(work.filePath);
    startResponse('200 OK', plain);
    return new environ['wsgi.file_wrapper'](file);
  },
  '/events': async function* (_environ, startResponse) {
    startResponse('200 OK', [['Content-Type', 'text/event-stream']]);
    for (let sent = 0; sent < work.events; sent += 1) {
      yield work.event;
      await sleep(work.eventPause);
    }
  },
};

const add = (app, name) => (environ, startResponse) =>
  app(environ, (status, headers, excInfo) =>
    startResponse(status, [...headers, [name, 'yes']], excInfo),
  );
routes['/middleware'] = add(add(add(routes['/text'], 'X-One'), 'X-Two'), 'X-Three');

export const app = (environ, startResponse) => routes[environ.PATH_INFO](environ, startResponse);
