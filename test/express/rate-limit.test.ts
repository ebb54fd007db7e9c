import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import { rateLimit } from 'express-rate-limit';
import { describe, expect, it } from 'vitest';
import { serve, versions } from './support.ts';

describe.each(versions)('express-rate-limit before an app in $version', ({ express }) => {
  async function limited(options: Parameters<typeof rateLimit>[0]) {
    let calls = 0;
    const app: Application = (environ, startResponse) => {
      calls += 1;
      startResponse(environ.PATH_INFO === '/missing' ? '404 Not Found' : '200 OK', []);
      return [Buffer.from('app')];
    };
    const host = express();
    host.use(rateLimit({ windowMs: 60_000, standardHeaders: 'draft-6', ...options }));
    host.use(mountGateway(app));
    return { origin: await serve(host), calls: () => calls };
  }

  it('counts requests, answers 429 itself, and its header fields stay', async () => {
    const { origin, calls } = await limited({ limit: 2 });
    const statuses: number[] = [];
    const left: Array<string | null> = [];
    for (let round = 0; round < 3; round += 1) {
      const response = await fetch(origin);
      statuses.push(response.status);
      left.push(response.headers.get('ratelimit-remaining'));
      await response.text();
    }
    expect(statuses).toEqual([200, 200, 429]);
    expect(left).toEqual(['1', '0', '0']);
    expect(calls()).toBe(2);
  });

  it("sees the app's status when it counts failures only", async () => {
    const { origin } = await limited({ limit: 1, skipSuccessfulRequests: true });
    const statuses: number[] = [];
    for (const path of ['/', '/', '/missing', '/']) {
      const response = await fetch(`${origin}${path}`);
      await response.text();
      statuses.push(response.status);
    }
    expect(statuses).toEqual([200, 200, 404, 429]);
  });
});
