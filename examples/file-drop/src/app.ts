/**
 * The file drop: upload, list, download and delete files, and see changes live.
 *
 * One gateway application, written once; `servers.ts` mounts it in every server unchanged. Each of its
 * resources is a set of smaller applications, one for each method.
 */
import type { Application } from '@wsgi/core/types';
import { ChangeFeed } from './events.js';
import { download, listFiles, remove, upload } from './files.js';
import { checkName } from './names.js';
import { addSlash, staticFile } from './page.js';
import { Refusal } from './responses.js';
import { Storage } from './storage.js';

export interface FileDropOptions {
  /** Ends the live streams when it fires, so that a server that shuts down need not wait for them. */
  signal?: AbortSignal;
}

/** What a resource can do: an application for each method. HEAD goes to GET; the host leaves its body out. */
type Resource = Partial<Record<string, Application>>;

/**
 * Makes the application.
 *
 * @param folder - where the files are kept: the path of an existing folder that nothing else writes to.
 */
export function createFileDrop(folder: string, options: FileDropOptions = {}): Application {
  const storage = new Storage(folder);
  const changes = new ChangeFeed();
  options.signal?.addEventListener('abort', () => changes.end(), {
    once: true,
  });

  const fixed = new Map<string, Resource>([
    ['/', { GET: staticFile('index.html') }],
    ['/page.css', { GET: staticFile('page.css') }],
    ['/page.js', { GET: staticFile('page.js') }],
    ['/files', { GET: listFiles(storage) }],
    ['/events', { GET: listen(changes) }],
  ]);

  function find(scriptName: string, pathInfo: string): Resource {
    // Mounted at the root, `''` is the root; under a prefix it is the prefix without its slash.
    if (pathInfo === '') return scriptName === '' ? find('', '/') : { GET: addSlash };
    if (pathInfo.startsWith('/files/')) {
      const name = checkName(pathInfo.slice('/files/'.length));
      return {
        GET: download(storage, name),
        PUT: upload(storage, changes, name),
        DELETE: remove(storage, changes, name),
      };
    }
    const resource = fixed.get(pathInfo);
    if (resource === undefined) throw new Refusal('404 Not Found', 'There is nothing here.');
    return resource;
  }

  return async (environ, startResponse) => {
    try {
      const resource = find(environ.SCRIPT_NAME, environ.PATH_INFO);
      return await choose(resource, environ.REQUEST_METHOD)(environ, startResponse);
    } catch (error) {
      if (error instanceof Refusal) return error.respond(startResponse);
      throw error;
    }
  };
}

function choose(resource: Resource, method: string): Application {
  const application = new Map(Object.entries(resource)).get(method === 'HEAD' ? 'GET' : method);
  if (application !== undefined) return application;
  const allowed = Object.keys(resource).flatMap((name) =>
    name === 'GET' ? ['GET', 'HEAD'] : name,
  );
  throw new Refusal('405 Method Not Allowed', `This takes ${allowed.join(', ')} only.`, [
    ['Allow', allowed.join(', ')],
  ]);
}

/** `GET /events`: the live stream of changes. */
function listen(changes: ChangeFeed): Application {
  return (environ, startResponse) => {
    startResponse('200 OK', [
      ['Content-Type', 'text/event-stream'],
      ['Cache-Control', 'no-store'],
      // Asks nginx, should it stand in front, not to hold events back.
      ['X-Accel-Buffering', 'no'],
    ]);
    return changes.listen(environ['gateway.signal']());
  };
}
