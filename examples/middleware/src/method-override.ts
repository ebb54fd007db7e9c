import type { Application } from '@wsgi/core';

const METHODS = new Set(['PUT', 'PATCH', 'DELETE']);

/**
 * Lets clients that can only GET and POST, behind a proxy that takes nothing else, say what they mean: a POST with the
 * field X-HTTP-Method-Override is given to the application with that method. `environ['example.method']` keeps POST.
 *
 * Only POST is overridden: a GET that deletes would pass every protection against forged requests.
 */
export function methodOverride(app: Application): Application {
  return (environ, startResponse) => {
    const method = environ.HTTP_X_HTTP_METHOD_OVERRIDE?.toUpperCase();
    if (environ.REQUEST_METHOD === 'POST' && method !== undefined && METHODS.has(method)) {
      environ['example.method'] = environ.REQUEST_METHOD;
      environ.REQUEST_METHOD = method;
    }
    return app(environ, startResponse);
  };
}
