import type { Application } from '@wsgi/core';
import { expect } from 'vitest';
import { startReader } from '../client/reader.ts';
import type { Behaviour } from '../stage.ts';
import { deferred, ok, text } from './apps.ts';

/** Small, so that it fills nobody's buffer and nobody asks to wait. */
const row = Buffer.alloc(1000, 'r');

/** Applications whose bodies have no end, and that wait for nothing but their client. */
const endless: Record<string, (ended: () => void) => Application> = {
  'a generator': (ended) =>
    function* (_environ, startResponse) {
      startResponse('200 OK', [...text]);
      try {
        while (true) yield row;
      } finally {
        ended();
      }
    },
  'an async generator': (ended) =>
    async function* (_environ, startResponse) {
      startResponse('200 OK', [...text]);
      try {
        while (true) yield row;
      } finally {
        ended();
      }
    },
  'write()': (ended) => async (_environ, startResponse) => {
    const write = startResponse('200 OK', [...text]);
    try {
      while (true) await write(row);
    } finally {
      ended();
    }
  },
};

export const fairness: Behaviour[] = Object.entries(endless).map(([name, makeApp]) => ({
  name: `a body from ${name} that never waits leaves time for others, and ends when its client goes`,
  async run(stage) {
    const begun = deferred();
    const ended = deferred();
    let over = false;
    const app = makeApp(() => {
      over = true;
      ended.resolve();
    });
    const mounted = await stage.mount((environ, startResponse) => {
      if (environ.PATH_INFO === '/next') return ok(startResponse, over ? 'too late' : 'in time');
      begun.resolve();
      return app(environ, startResponse);
    });
    const reader = startReader(mounted);
    try {
      await begun.promise;
      expect((await mounted.fetch({ target: '/next' })).text).toBe('in time');
    } finally {
      reader.stop();
    }
    await ended.promise;
  },
}));
