import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import compression from 'compression';
import morgan from 'morgan';
import { describe, expect, it } from 'vitest';
import { gate, recorder, serve, versions } from './support.ts';

const created: Application = (_environ, startResponse) => {
  startResponse('201 Created', [['Content-Type', 'text/plain']]);
  return [Buffer.from('twelve bytes')];
};

describe.each(versions)('morgan before an app in $version', ({ express }) => {
  const format = ':method :url :status :res[content-length] :remote-addr :res[x-app]';

  async function logged(app: Application, init: RequestInit = {}, before?: 'compression') {
    const line = gate<string>();
    const host = express();
    host.use(morgan(format, { stream: { write: (text) => line.open(text.trimEnd()) } }));
    if (before === 'compression') host.use(compression({ threshold: 0 }));
    host.use('/gw', mountGateway(app, { errors: recorder().errors }));
    host.use(page);
    const url = `${await serve(host)}/gw/x?y`;
    // One test cuts the response off, which may be before or in its body.
    const answered = fetch(url, init).then((response) => response.arrayBuffer());
    await answered.catch(() => undefined);
    return await line.passed();
  }

  it('logs the status and the length', async () => {
    expect(await logged(created)).toBe('GET /gw/x?y 201 12 127.0.0.1 -');
  });

  it('logs HEAD with the length that GET would have', async () => {
    expect(await logged(created, { method: 'HEAD' })).toBe('HEAD /gw/x?y 201 12 127.0.0.1 -');
  });

  it("logs no length where none is known, and the app's own fields", async () => {
    const line = await logged(async function* (_environ, startResponse) {
      startResponse('200 OK', [['X-App', 'me']]);
      yield Buffer.from('a');
    });
    expect(line).toBe('GET /gw/x?y 200 - 127.0.0.1 me');
  });

  it('logs no length of what compression has changed', async () => {
    expect(await logged(created, {}, 'compression')).toBe('GET /gw/x?y 201 - 127.0.0.1 -');
  });

  it("logs the status of the host's error page", async () => {
    const line = await logged(() => {
      throw new Error('no');
    });
    expect(line).toBe('GET /gw/x?y 503 4 127.0.0.1 -');
  });

  it('logs the status of a body that failed half-way', async () => {
    const line = await logged(async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('a');
      throw new Error('no');
    });
    expect(line).toMatch(/^GET \/gw\/x\?y (200|-) - (127\.0\.0\.1|-) -$/);
  });

  it('logs at once when asked to', async () => {
    const lines: string[] = [];
    const host = express();
    const stream = { write: (text: string) => void lines.push(text) };
    host.use(morgan(':method :url', { immediate: true, stream }));
    host.use(mountGateway(created));
    await (await fetch(await serve(host))).text();
    expect(lines).toEqual(['GET /\n']);
  });
});

function page(
  error: Error,
  _request: unknown,
  response: import('express').Response,
  next: (error: unknown) => void,
): void {
  if (response.headersSent) response.destroy();
  else if (error instanceof Error) response.status(503).send('page');
  else next(error);
}
