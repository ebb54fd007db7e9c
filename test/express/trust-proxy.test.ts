import { mountGateway } from '@wsgi/express';
import { describe, expect, it } from 'vitest';
import { echo, getJson, serve, versions } from './support.ts';

const forwarded = {
  Host: 'inner.test',
  'X-Forwarded-For': '203.0.113.7, 127.0.0.1',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'outer.test',
};

describe.each(versions)('trust proxy in $version', ({ express }) => {
  const keys = ['REMOTE_ADDR', 'wsgi.url_scheme', 'HTTP_HOST', 'HTTP_X_FORWARDED_FOR', 'port'];
  const app = mountGateway(echo(...keys), {
    environ: (request) => ({ port: request.socket.remotePort }),
  });

  it("off: client and scheme are the connection's", async () => {
    const host = express();
    host.use(mountGateway(echo(...keys, 'REMOTE_PORT')));
    const seen = await getJson(await serve(host), '/', forwarded);
    expect(seen).toMatchObject({
      REMOTE_ADDR: '127.0.0.1',
      'wsgi.url_scheme': 'http',
      HTTP_HOST: 'inner.test',
    });
    expect(seen).toHaveProperty('REMOTE_PORT', expect.stringMatching(/^\d+$/));
  });

  it.each([true, 'loopback', 1])('%j: client and scheme are the forwarded ones', async (trust) => {
    const host = express();
    host.set('trust proxy', trust);
    host.use(mountGateway(echo(...keys, 'REMOTE_PORT')));
    const seen = await getJson(await serve(host), '/', {
      ...forwarded,
      'X-Forwarded-For': '203.0.113.7',
    });
    expect(seen).toEqual({
      REMOTE_ADDR: '203.0.113.7',
      'wsgi.url_scheme': 'https',
      HTTP_HOST: 'inner.test',
      HTTP_X_FORWARDED_FOR: '203.0.113.7',
    });
  });

  it('names no client further out than the trusted proxies', async () => {
    const host = express();
    host.set('trust proxy', 1);
    host.use(app);
    expect(await getJson(await serve(host), '/', forwarded)).toMatchObject({
      REMOTE_ADDR: '127.0.0.1',
    });
  });
});
