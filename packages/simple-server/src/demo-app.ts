import { inspect } from 'node:util';
import type { Environ, ResponseBody, StartResponse } from '@wsgi/core';

/**
 * Says hello and shows the environ, sorted: wsgiref's `demo_app`.
 *
 * It shows what a request carries, cookies included: for trying things out, not for strangers.
 */
export function demoApp(environ: Environ, startResponse: StartResponse): ResponseBody {
  const lines = Object.keys(environ)
    .sort()
    .map((key) => `${key} = ${inspect(environ[key], { depth: 0, breakLength: Infinity })}\n`);
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from(`Hello world!\n\n${lines.join('')}`)];
}
