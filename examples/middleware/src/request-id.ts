import { randomUUID } from 'node:crypto';
import { type Application, Headers } from '@wsgi/core';

/**
 * Names each request: in `environ['example.request_id']`, for the application and the log, and in the response's
 * X-Request-Id. A name that the request brings is kept, so that one name goes through several services.
 */
export function requestId(app: Application): Application {
  return (environ, startResponse) => {
    const sent = environ.HTTP_X_REQUEST_ID;
    // What goes into a log and a header field is only taken from the client when it looks like a name.
    const id = sent !== undefined && /^[\w.-]{1,64}$/.test(sent) ? sent : randomUUID();
    environ['example.request_id'] = id;
    return app(environ, (status, pairs, excInfo) => {
      const headers = new Headers([...pairs]);
      // In place of the application's own: what it asks another service for may come back with a name.
      headers.set('X-Request-Id', id);
      return startResponse(status, headers.items(), excInfo);
    });
  };
}
