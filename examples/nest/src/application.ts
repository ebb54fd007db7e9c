import { type Application, Headers, wsgiToUtf8 } from '@wsgi/core';
import type { NotesService } from './notes.service.js';

/**
 * The gateway application: `GET /` gives the notes, one a line; `POST /` adds one. Everything else it leaves to
 * Nest, by answering 404.
 */
export function notesApplication(notes: NotesService): Application {
  return async (environ, startResponse) => {
    const headers = new Headers([['Content-Type', 'text/plain; charset=utf-8']]);
    headers.set('X-Request-Id', String(environ['nest.request_id']));
    if (wsgiToUtf8(environ.PATH_INFO).replace(/\/$/, '') !== '') {
      startResponse('404 Not Found', headers.items());
      return [Buffer.from('no such note\n')];
    }
    switch (environ.REQUEST_METHOD) {
      case 'GET':
      case 'HEAD': {
        const lines = notes.all().map((note) => `${note}\n`);
        startResponse('200 OK', headers.items());
        return [Buffer.from(lines.join(''))];
      }
      case 'POST': {
        const body = await environ['wsgi.input'].read();
        notes.add(Buffer.from(body).toString());
        startResponse('201 Created', headers.items());
        return [];
      }
      default:
        headers.set('Allow', 'GET, HEAD, POST');
        startResponse('405 Method Not Allowed', headers.items());
        return [];
    }
  };
}
