/** SPEC.md, section 4, rule 9, where middleware stands between the handler and Node's response. */
import { type Application, TextErrors } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import { describe, expect, it } from 'vitest';
import { stopClock } from '../clock.ts';
import { serve, versions } from './support.ts';

const quick: Application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(`for ${environ.PATH_INFO}`)];
};

describe.each(versions)('$version', ({ express }) => {
  it('holds small answers until the turn ends, but for the first', async () => {
    const host = express();
    const ended: boolean[] = [];
    host.use((_request, response, next) => {
      next();
      ended.push(response.writableEnded);
    });
    host.use(mountGateway(quick));
    const origin = await serve(host);
    stopClock();
    const bodies: string[] = [];
    for (const path of ['/1', '/2', '/3']) bodies.push(await (await fetch(origin + path)).text());
    expect(ended).toEqual([true, false, false]);
    expect(bodies).toEqual(['for /1', 'for /2', 'for /3']);
  });

  it('cuts an answer off, and reports, where what has wrapped end throws at the end of the turn', async () => {
    const host = express();
    host.use('/bad', (_request, response, next) => {
      response.end = () => {
        throw new Error('the wrapper failed');
      };
      next();
    });
    const reports: string[] = [];
    const errors = new TextErrors((text) => void reports.push(text));
    host.use(mountGateway(quick, { errors }));
    const origin = await serve(host);
    stopClock();
    expect((await fetch(`${origin}/1`)).status).toBe(200);
    await expect(fetch(`${origin}/bad`)).rejects.toThrow('fetch failed');
    expect(reports.join('')).toContain('the wrapper failed');
    expect(await (await fetch(`${origin}/2`)).text()).toBe('for /2');
  });
});
