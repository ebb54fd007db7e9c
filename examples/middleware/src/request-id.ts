import { randomUUID } from 'node:crypto';
import type { Application } from '@wsgi/core';

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
    return app(environ, (status, headers, excInfo) =>
      startResponse(status, [...headers, ['X-Request-Id', id]], excInfo),
    );
  };
}
