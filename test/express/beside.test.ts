import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import multer from 'multer';
import { describe, expect, it } from 'vitest';
import { listen, originOf, recorder, serve, text, versions } from './support.ts';

/** Answers with the size of the body as it came. */
const size: Application = async (environ, startResponse) => {
  const body = await environ['wsgi.input'].read();
  startResponse('200 OK', []);
  return [Buffer.from(`app ${body.length} of ${environ.CONTENT_LENGTH}`)];
};

function form(): FormData {
  const data = new FormData();
  data.set('name', 'a file');
  data.set('file', new Blob([Buffer.alloc(200_000, 'f')]), 'f.txt');
  return data;
}

describe.each(versions)('beside an app in $version', ({ express }) => {
  const upload = multer({ storage: multer.memoryStorage() });

  it('multer takes the uploads of its own route, and the app the bytes of its own', async () => {
    const host = express();
    host.use('/gw', mountGateway(size));
    host.post('/upload', upload.single('file'), (request, response) => {
      response.json([request.file?.size, request.body.name]);
    });
    const origin = await serve(host);
    const own = await fetch(`${origin}/upload`, { method: 'POST', body: form() });
    expect(await own.json()).toEqual([200_000, 'a file']);
    const app = await (await fetch(`${origin}/gw`, { method: 'POST', body: form() })).text();
    expect(app).toMatch(/^app (2\d{5}) of \1$/);
  });

  it('multer gets the upload that an app before it has declined', async () => {
    const host = express();
    host.use(mountGateway(text('', '404 Not Found'), { cascade: true }));
    host.post('/upload', upload.single('file'), (request, response) => {
      response.json(request.file?.size);
    });
    const origin = await serve(host);
    const response = await fetch(`${origin}/upload`, { method: 'POST', body: form() });
    expect(await response.json()).toBe(200_000);
  });

  it('multer before an app has read the body, and reading it says so', async () => {
    const { errors, lines } = recorder();
    const host = express();
    host.use(upload.any());
    host.use(mountGateway(size, { errors }));
    const response = await fetch(await serve(host), { method: 'POST', body: form() });
    expect(response.status).toBe(500);
    await response.text();
    expect(lines.join('')).toContain('has been read by a parser');
  });

  async function backend(): Promise<string> {
    const server = createServer(async (request, response) => {
      const { length } = await buffer(request);
      response.end(`backend ${length} ${request.url}`);
    });
    return originOf(await listen(server));
  }

  it('http-proxy-middleware passes its own paths on, bodies and all', async () => {
    const host = express();
    host.use('/gw', mountGateway(size));
    host.use('/api', createProxyMiddleware({ target: await backend() }));
    const origin = await serve(host);
    const init = { method: 'POST', body: Buffer.alloc(100_000) };
    expect(await (await fetch(`${origin}/api/x`, init)).text()).toBe('backend 100000 /x');
    expect(await (await fetch(`${origin}/gw/x`, init)).text()).toBe('app 100000 of 100000');
  });

  it('http-proxy-middleware gets what an app before it has declined, bodies and all', async () => {
    const host = express();
    host.use(mountGateway(text('', '405 Method Not Allowed'), { cascade: true }));
    host.use(createProxyMiddleware({ target: await backend() }));
    const origin = await serve(host);
    const init = { method: 'PUT', body: Buffer.alloc(100_000) };
    expect(await (await fetch(`${origin}/x?y`, init)).text()).toBe('backend 100000 /x?y');
  });

  it('an app is what a proxy points to', async () => {
    const inner = express();
    inner.use(mountGateway(size));
    const target = await serve(inner);
    const host = express();
    host.use(createProxyMiddleware({ target }));
    const origin = await serve(host);
    const response = await fetch(origin, { method: 'POST', body: Buffer.alloc(100_000) });
    expect(await response.text()).toBe('app 100000 of 100000');
  });
});
