import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import type { Request, RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { serve, text, versions } from './support.ts';

setFlagsFromString('--allow-natives-syntax');
/** Whether two objects have one hidden class. Node has no public way to ask. */
const haveSameMap: (a: object, b: object) => boolean = runInThisContext(
  '(a, b) => %HaveSameMap(a, b)',
);

describe.each(versions)('what $version makes of requests and responses', ({ express }) => {
  it('has the hidden class of the others of its kind while an application runs', async () => {
    const seen: Request[] = [];
    let goOn = (): void => {};
    const application: Application = async (environ, startResponse) => {
      // The first of two waits for the second, so that both are as far.
      if (seen.length % 2 === 0) goOn();
      else
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
      return text('done')(environ, startResponse);
    };
    const host = express();
    host.use(
      mountGateway(application, { environ: (request: Request) => ({ seen: seen.push(request) }) }),
    );
    const origin = await serve(host);
    const get = async (): Promise<string> => (await fetch(origin)).text();
    // V8 settles on a class by the first few.
    for (let round = 0; round < 8; round += 1) {
      expect(await Promise.all([get(), get()])).toEqual(['done', 'done']);
    }
    const shared = [];
    for (let pair = 0; pair < 4; pair += 1) {
      const [a, b] = seen.splice(-2);
      shared.push(a && b && [haveSameMap(a, b), a.res && b.res && haveSameMap(a.res, b.res)]);
    }
    expect(shared).toEqual(Array(4).fill([true, true]));
  });

  it('refers to each other as before', async () => {
    const host = express();
    const own: unknown[] = [];
    const note: RequestHandler = (request, response, next) => {
      own.push([Object.keys(request).sort(), Object.keys(response).sort()]);
      own.push(request.res === response && response.req === request);
      next();
    };
    host.use(note, mountGateway(text('', '404 Not Found'), { cascade: true }), note);
    host.use((_request, response) => void response.send('behind'));
    expect(await (await fetch(await serve(host))).text()).toBe('behind');
    expect(own.slice(2)).toEqual(own.slice(0, 2));
    expect(own[1]).toBe(true);
  });
});
