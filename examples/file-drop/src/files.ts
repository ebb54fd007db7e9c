import type { Application, Environ, HeaderList } from '@wsgi/core/types';
import { readChunks } from '@wsgi/core/util';
import type { ChangeFeed } from './events.js';
import { disposition, mediaType } from './media-types.js';
import { judge } from './preconditions.js';
import { empty, json, preconditionFailed, Refusal } from './responses.js';
import type { Check, Storage } from './storage.js';

/** How much of a file is in memory at a time, each way, for each client. */
const CHUNK = 64 * 1024;

/** `GET /files`: the list. */
export function listFiles(storage: Storage): Application {
  return async (_environ, startResponse) => json(startResponse, '200 OK', await storage.list());
}

/** `GET /files/NAME`: the file, or 304 when the client has this version. */
export function download(storage: Storage, name: string): Application {
  return async (environ, startResponse) => {
    const file = await storage.open(name);
    if (file === undefined) throw notFound(name);
    const { handle, info } = file;
    const version: HeaderList = [
      ['ETag', info.etag],
      ['Cache-Control', 'no-cache'],
    ];
    const verdict = judge(environ, info.etag);
    if (verdict !== 'met') {
      await handle.close();
      if (verdict === 'failed') throw preconditionFailed();
      return empty(startResponse, '304 Not Modified', version);
    }
    const type = mediaType(name);
    startResponse('200 OK', [
      ...version,
      ['Content-Type', type],
      ['Content-Length', String(info.size)],
      // Strangers' files come from the page's own origin, and must not act as a part of it.
      ['Content-Disposition', disposition(type)],
      ['Content-Security-Policy', "sandbox; default-src 'none'"],
      ['X-Content-Type-Options', 'nosniff'],
    ]);
    // The host closes the wrapper, and that the file, however the response ends.
    return new environ['wsgi.file_wrapper'](handle, CHUNK);
  };
}

/** `PUT /files/NAME`: stores the body. 201 for a new name, 200 for one that was there. */
export function upload(storage: Storage, changes: ChangeFeed, name: string): Application {
  return async (environ, startResponse) => {
    // RFC 9110 section 14.4: a part that is taken for the whole would destroy the file.
    if (environ.HTTP_CONTENT_RANGE !== undefined) {
      throw new Refusal('400 Bad Request', 'A part of a file cannot be stored: send it whole.');
    }
    const chunks = readChunks(environ['wsgi.input'], CHUNK);
    const { info, created } = await storage
      .save(name, chunks, preconditions(environ))
      .catch(refuseIfImpossible);
    changes.publish({ type: created ? 'created' : 'replaced', file: info });
    return json(startResponse, created ? '201 Created' : '200 OK', info);
  };
}

/** `DELETE /files/NAME`: removes the file. */
export function remove(storage: Storage, changes: ChangeFeed, name: string): Application {
  return async (environ, startResponse) => {
    if (!(await storage.remove(name, preconditions(environ)))) throw notFound(name);
    changes.publish({ type: 'deleted', file: { name } });
    return empty(startResponse, '204 No Content');
  };
}

/** Sees to it that a client which has seen one version does not write over another, or remove it. */
function preconditions(environ: Environ): Check {
  return (current) => {
    if (judge(environ, current?.etag) === 'failed') throw preconditionFailed();
  };
}

function notFound(name: string): Refusal {
  return new Refusal('404 Not Found', `There is no file named ${JSON.stringify(name)}.`);
}

function refuseIfImpossible(error: NodeJS.ErrnoException): never {
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      throw new Refusal('507 Insufficient Storage', 'The disk is full.');
    case 'EISDIR':
      throw new Refusal('409 Conflict', 'There is a folder of that name.');
    default:
      throw error;
  }
}
