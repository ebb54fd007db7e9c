import type { Application } from '../types.js';

/** Answers every request with 404: what a host runs where the path is outside of its mount. */
export const notFound: Application = (_environ, startResponse) => {
  startResponse('404 Not Found', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from('Not Found\n')];
};
