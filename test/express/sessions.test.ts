import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import cookieSession from 'cookie-session';
import type { Request } from 'express';
import session from 'express-session';
import { describe, expect, it } from 'vitest';
import { serve, versions } from './support.ts';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

/** Counts visits in the session that the host hands in. */
function visits(chunks: number): Application {
  return (environ, startResponse) => {
    const data = environ['my.session'] as { visits?: number };
    data.visits = (data.visits ?? 0) + 1;
    startResponse('200 OK', [['Set-Cookie', 'own=1']]);
    return Array.from({ length: chunks }, (_, index) =>
      Buffer.from(index === 0 ? String(data.visits) : ''),
    );
  };
}

async function visitTwice(origin: string): Promise<string[]> {
  const first = await fetch(origin);
  const count = await first.text();
  const cookies = first.headers.getSetCookie();
  const cookie = cookies.map((line) => line.split(';')[0]).join('; ');
  const second = await fetch(origin, { headers: { cookie } });
  const names = cookies.map((line) => line.split('=')[0] ?? '');
  return [count, await second.text(), ...names.sort()];
}

describe.each(versions)('a session of $version', ({ express }) => {
  it.each([1, 3])('by express-session is saved around an app of %i chunks', async (chunks) => {
    const host = express();
    host.use(session({ secret: 'secret', resave: false, saveUninitialized: false, name: 'sid' }));
    const environ = (request: Request) => ({ 'my.session': request.session });
    host.use(mountGateway(visits(chunks), { environ }));
    expect(await visitTwice(await serve(host))).toEqual(['1', '2', 'own', 'sid']);
  });

  it.each([1, 3])('by cookie-session is sent with an app of %i chunks', async (chunks) => {
    const host = express();
    host.use(cookieSession({ name: 'cs', keys: ['key'] }));
    host.use(
      mountGateway(visits(chunks), {
        environ: (request: Request) => ({ 'my.session': request.session }),
      }),
    );
    expect(await visitTwice(await serve(host))).toEqual(['1', '2', 'cs', 'cs.sig', 'own']);
  });

  it('whose store is slow still ends the response, and the next on the connection', async () => {
    const store = new session.MemoryStore();
    const { set } = store;
    store.set = (id, data, done) => void setTimeout(() => set.call(store, id, data, done), 20);
    const host = express();
    host.use(session({ secret: 's', resave: false, saveUninitialized: true, store, name: 'sid' }));
    const environ = (request: Request) => ({ 'my.session': request.session });
    host.use(mountGateway(visits(1), { environ }));
    expect(await visitTwice(await serve(host))).toEqual(['1', '2', 'own', 'sid']);
  });
});
