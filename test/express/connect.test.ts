/** Mounted in connect, whose middleware Vite, polka and others take as well. */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { mountGateway } from '@wsgi/express';
import connect from 'connect';
import { describe, expect, it } from 'vitest';
import { echo, getJson, listen, originOf, recorder, serve, text } from './support.ts';

const app = echo('SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'REQUEST_URI');

describe('in connect', () => {
  it.each([
    ['/gw', '/gw', ''],
    ['/gw/', '/gw', '/'],
    ['/gw?q=1', '/gw', ''],
    ['/gw/?q=1', '/gw', '/'],
    ['/gw/a/b?q=/gw', '/gw', '/a/b'],
    ['/gw/gw', '/gw', '/gw'],
    ['/gw//x', '/gw', '//x'],
    ['/gw//', '/gw', '//'],
    ['/gw/caf%C3%A9/%2F', '/gw', '/cafÃ©//'],
    ['/gw/%zz', '/gw', '/%zz'],
    ['/GW/x', '/GW', '/x'],
    ['/elsewhere', '', '/elsewhere'],
    ['/', '', '/'],
    ['//evil.example/gw/x', '', '//evil.example/gw/x'],
  ])('%s is cut at the mount', async (target, scriptName, pathInfo) => {
    const host = connect();
    host.use('/gw', mountGateway(app));
    host.use(mountGateway(app));
    expect(await getJson(await serve(host), target)).toEqual({
      SCRIPT_NAME: scriptName,
      PATH_INFO: pathInfo,
      QUERY_STRING: target.split('?')[1] ?? '',
      REQUEST_URI: target,
    });
  });

  it('an absolute-form target is cut at the mount', async () => {
    const host = connect();
    host.use('/gw', mountGateway(app));
    expect(await getJson(await serve(host), 'http://a.example/gw/x')).toMatchObject({
      SCRIPT_NAME: '/gw',
      PATH_INFO: '/x',
    });
  });

  it('all mounts count where one is inside another', async () => {
    const inner = connect();
    inner.use('/inner', mountGateway(app));
    const host = connect();
    host.use('/outer', inner);
    expect(await getJson(await serve(host), '/outer/inner/x')).toMatchObject({
      SCRIPT_NAME: '/outer/inner',
      PATH_INFO: '/x',
    });
  });

  it('a rewritten url is what PATH_INFO shows', async () => {
    const host = connect();
    host.use((request, _response, next) => {
      request.url = '/new?rewritten';
      next();
    });
    host.use(mountGateway(app));
    expect(await getJson(await serve(host), '/old')).toEqual({
      SCRIPT_NAME: '',
      PATH_INFO: '/new',
      QUERY_STRING: 'rewritten',
      REQUEST_URI: '/old',
    });
  });

  it('errors go to the error page, and a declined request to what comes next', async () => {
    const { errors } = recorder();
    const host = connect();
    host.use('/declined', mountGateway(text('', '404 Not Found'), { cascade: true }));
    host.use('/declined', (request, response) => response.end(`next has ${request.url}`));
    host.use(
      '/fails',
      mountGateway(
        () => {
          throw new Error('planned');
        },
        { errors },
      ),
    );
    const page: connect.ErrorHandleFunction = (error, _request, response, _next) => {
      response.statusCode = 503;
      response.end(`page: ${error.message}`);
    };
    host.use(page);
    const origin = await serve(host);
    expect(await (await fetch(`${origin}/declined/x`)).text()).toBe('next has /x');
    const failed = await fetch(`${origin}/fails`);
    expect([failed.status, await failed.text()]).toEqual([503, 'page: planned']);
  });
});

it('a url without its slash, as polka leaves it, is the root of the mount', async () => {
  const gateway = mountGateway(app);
  const listener: RequestListener = (
    request: IncomingMessage & { originalUrl?: string },
    response,
  ) => {
    request.originalUrl = request.url ?? '';
    request.url = request.originalUrl.slice('/gw'.length);
    gateway(request, response);
  };
  const origin = originOf(await listen(createServer(listener)));
  expect(await getJson(origin, '/gw?q=1')).toMatchObject({
    SCRIPT_NAME: '/gw',
    PATH_INFO: '',
    QUERY_STRING: 'q=1',
  });
});
