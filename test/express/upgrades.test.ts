import { once } from 'node:events';
import { createServer, request as httpRequest, type RequestListener } from 'node:http';
import { mountGateway } from '@wsgi/express';
import { mountGateway as mountHttp } from '@wsgi/http';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { echo, listen, originOf, text, versions } from './support.ts';

const app = echo('PATH_INFO', 'HTTP_UPGRADE');

interface Host {
  host: string;
  listener(): RequestListener;
}

const hosts: Host[] = [
  ...versions.map(({ version, express }) => ({
    host: version,
    listener: () => express().use(mountGateway(app)),
  })),
  { host: 'node:http', listener: () => mountHttp(app) },
];

/** A server whose web sockets at `/ws` answer each message with itself. */
async function serveBoth(listener: RequestListener) {
  const server = await listen(createServer(listener));
  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(`echo ${data}`));
  });
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
  return originOf(server);
}

async function talk(url: string, word: string): Promise<string> {
  const socket = new WebSocket(url.replace('http', 'ws'));
  await once(socket, 'open');
  socket.send(word);
  const [answer] = await once(socket, 'message');
  socket.close();
  await once(socket, 'close');
  return String(answer);
}

describe.each(hosts)('an upgrade beside an app in $host', ({ listener }) => {
  it('opens a web socket, before, between and after requests to the app', async () => {
    const origin = await serveBoth(listener());
    expect(await talk(`${origin}/ws`, 'one')).toBe('echo one');
    expect(await (await fetch(`${origin}/x`)).json()).toEqual({ PATH_INFO: '/x' });
    const both = await Promise.all([talk(`${origin}/ws`, 'two'), fetch(`${origin}/ws`)]);
    expect(both[0]).toBe('echo two');
    expect(await both[1].json()).toEqual({ PATH_INFO: '/ws' });
    expect(await talk(`${origin}/ws`, 'three')).toBe('echo three');
  });

  it('to a path that has no web sockets is refused by their server, not by the app', async () => {
    const origin = await serveBoth(listener());
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/elsewhere`);
    const [error] = await once(socket, 'error');
    expect(error.message).toContain('400');
    expect((await fetch(origin)).status).toBe(200);
  });

  it('that nobody listens for is a request like any other', async () => {
    const origin = originOf(await listen(createServer(listener())));
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    const request = httpRequest(`${origin}/x`, { headers, agent: false }).end();
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(200);
    const body = await response.toArray();
    expect(JSON.parse(body.join(''))).toEqual({ PATH_INFO: '/x', HTTP_UPGRADE: 'h2c' });
  });
});

describe.each(versions)('a proxy for web sockets in $version', ({ express }) => {
  it('passes them on beside an app, and behind one that declines', async () => {
    const target = await serveBoth((_request, response) => void response.end('backend'));
    const host = express();
    const proxy = createProxyMiddleware({ target, ws: true });
    host.use(mountGateway(text('', '404 Not Found'), { cascade: true }), proxy);
    const server = await listen(createServer(host));
    server.on('upgrade', proxy.upgrade);
    const origin = originOf(server);
    expect(await talk(`${origin}/ws`, 'through')).toBe('echo through');
    expect(await (await fetch(`${origin}/x`)).text()).toBe('backend');
  });
});
