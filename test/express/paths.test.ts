import type { Application } from '@wsgi/core';
import { mountGateway } from '@wsgi/express';
import type { Request } from 'express';
import methodOverride from 'method-override';
import vhost from 'vhost';
import { describe, expect, it } from 'vitest';
import { echo, getJson, serve, versions } from './support.ts';

const app: Application = echo('SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'REQUEST_URI');

describe.each(versions)('the path of an app mounted in $version', ({ express }) => {
  it.each([
    ['/gw', ['/gw', '', '']],
    ['/gw/', ['/gw', '/', '']],
    ['/gw?q=1', ['/gw', '', 'q=1']],
    ['/gw/?', ['/gw', '/', '']],
    ['/gw/a/b?x=%20&y', ['/gw', '/a/b', 'x=%20&y']],
    ['/gw//x', ['/gw', '//x', '']],
    ['/gw/%2e%2e/x', ['/gw', '/../x', '']],
    ['/gw/caf%C3%A9', ['/gw', '/cafÃ©', '']],
    ['/gw/%zz%', ['/gw', '/%zz%', '']],
    ['/gw/a%2Fb', ['/gw', '/a/b', '']],
    ['/GW/x', ['/GW', '/x', '']],
  ])('of %s is cut at the mount', async (target, [scriptName, pathInfo, query]) => {
    const host = express();
    host.use('/gw', mountGateway(app));
    expect(await getJson(await serve(host), target)).toEqual({
      SCRIPT_NAME: scriptName,
      PATH_INFO: pathInfo,
      QUERY_STRING: query,
      REQUEST_URI: target,
    });
  });

  it('is split at each of several mounts, as arguments or in an array', async () => {
    const host = express();
    const gateway = mountGateway(app);
    host.use(['/a', '/b'], gateway);
    host.use('/c', gateway, gateway);
    host.use('/d', [gateway]);
    const origin = await serve(host);
    for (const mount of ['/a', '/b', '/c', '/d']) {
      expect(await getJson(origin, `${mount}/x`)).toMatchObject({
        SCRIPT_NAME: mount,
        PATH_INFO: '/x',
      });
    }
    expect((await fetch(`${origin}/e/x`)).status).toBe(404);
  });

  it('holds the whole mount of nested routers, whose parameters environ can name', async () => {
    const inner = express.Router({ mergeParams: true });
    inner.use(
      '/files/:file',
      mountGateway(echo('SCRIPT_NAME', 'PATH_INFO', 'my.params'), {
        environ: (request: Request) => ({ 'my.params': { ...request.params } }),
      }),
    );
    const outer = express.Router();
    outer.use('/users/:user', inner);
    const host = express();
    host.use('/v1', outer);
    expect(await getJson(await serve(host), '/v1/users/j%20d/files/7/raw')).toEqual({
      SCRIPT_NAME: '/v1/users/j d/files/7',
      PATH_INFO: '/raw',
      'my.params': { user: 'j d', file: '7' },
    });
  });

  it('is the mount of a sub-application, too', async () => {
    const child = express();
    child.use('/gw', mountGateway(app));
    const host = express();
    host.use('/child', child);
    expect(await getJson(await serve(host), '/child/gw/x')).toMatchObject({
      SCRIPT_NAME: '/child/gw',
      PATH_INFO: '/x',
    });
  });

  it.each([
    ['/:tenant', '/%2Fevil.example/x', '/evil.example', '/x'],
    ['/:tenant', '/blue%2F/x', '/blue', '/x'],
    ['/:tenant', '/%2F', '', '/'],
    [/.*/, '//evil.example', '/evil.example', ''],
  ])(
    'never gives a SCRIPT_NAME that names another host: %s and %s',
    async (mount, target, ...split) => {
      const host = express();
      host.use(mount, mountGateway(app));
      const [SCRIPT_NAME, PATH_INFO] = split;
      expect(await getJson(await serve(host), target)).toMatchObject({ SCRIPT_NAME, PATH_INFO });
    },
  );

  it('is whole where the app is the handler of a route', async () => {
    const host = express();
    host.get('/route/:id', mountGateway(app));
    host.all('/all', mountGateway(app));
    const origin = await serve(host);
    expect(await getJson(origin, '/route/1')).toMatchObject({
      SCRIPT_NAME: '',
      PATH_INFO: '/route/1',
    });
    expect(await getJson(origin, '/all')).toMatchObject({ SCRIPT_NAME: '', PATH_INFO: '/all' });
    expect((await fetch(`${origin}/route/1`, { method: 'DELETE' })).status).toBe(404);
  });

  it('is the rewritten one after middleware has rewritten url', async () => {
    const host = express();
    host.use((request, _response, next) => {
      if (request.url.startsWith('/old/')) request.url = `/gw/new/${request.url.slice(5)}`;
      next();
    });
    host.use('/gw', mountGateway(app));
    expect(await getJson(await serve(host), '/old/page?q=1')).toEqual({
      SCRIPT_NAME: '/gw',
      PATH_INFO: '/new/page',
      QUERY_STRING: 'q=1',
      REQUEST_URI: '/old/page?q=1',
    });
  });

  it.each([
    ['/gwx/page', '/gw/x/page', '/x/page'],
    ['/gw/a', '/gw/b', '/b'],
  ])('of %s, rewritten to %s, is %s', async (target, rewritten, pathInfo) => {
    const host = express();
    host.use((request, _response, next) => {
      request.url = rewritten;
      next();
    });
    host.use('/gw', mountGateway(app));
    expect(await getJson(await serve(host), target)).toMatchObject({
      SCRIPT_NAME: '/gw',
      PATH_INFO: pathInfo,
    });
  });

  it('is the rewritten one when the rewriting is done inside the mount', async () => {
    const host = express();
    const router = express.Router();
    router.use((request, _response, next) => {
      request.url = '/elsewhere?rewritten';
      next();
    });
    router.use(mountGateway(app));
    host.use('/gw', router);
    expect(await getJson(await serve(host), '/gw/page')).toMatchObject({
      SCRIPT_NAME: '/gw',
      PATH_INFO: '/elsewhere',
      QUERY_STRING: 'rewritten',
    });
  });

  it('comes with the method that method-override has set', async () => {
    const host = express();
    host.use(methodOverride('X-HTTP-Method-Override'));
    host.use(mountGateway(echo('REQUEST_METHOD')));
    const headers = { 'X-HTTP-Method-Override': 'PROPFIND' };
    const response = await fetch(await serve(host), { method: 'POST', headers });
    expect(await response.json()).toEqual({ REQUEST_METHOD: 'PROPFIND' });
  });

  it('sends no body to a request that method-override made a HEAD of', async () => {
    const host = express();
    host.use((request, _response, next) => {
      request.method = 'HEAD';
      next();
    });
    host.use(mountGateway(echo('REQUEST_METHOD')));
    const response = await fetch(await serve(host), { method: 'HEAD' });
    expect(response.status).toBe(200);
  });

  it('belongs to the virtual host that vhost chose', async () => {
    const host = express();
    host.use(vhost('a.test', mountGateway(echo('HTTP_HOST', 'PATH_INFO'))));
    host.use(
      vhost(
        '*.b.test',
        mountGateway(echo('HTTP_HOST', 'my.sub'), {
          environ: (request: vhost.Request) => ({ 'my.sub': request.vhost[0] }),
        }),
      ),
    );
    const origin = await serve(host);
    expect(await getJson(origin, '/x', { Host: 'a.test' })).toEqual({
      HTTP_HOST: 'a.test',
      PATH_INFO: '/x',
    });
    expect(await getJson(origin, '/x', { Host: 'sub.b.test' })).toEqual({
      HTTP_HOST: 'sub.b.test',
      'my.sub': 'sub',
    });
    await expect(getJson(origin, '/x', { Host: 'c.test' })).rejects.toThrow('404');
  });
});
