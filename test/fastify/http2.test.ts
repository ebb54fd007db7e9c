import { connect, type IncomingHttpHeaders, type SecureClientSessionOptions } from 'node:http2';
import type { Application } from '@wsgi/core';
import { fastifyGateway, type GatewayOptions } from '@wsgi/fastify';
import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { selfSigned } from '../hosts/certificate.ts';
import { CountedBody, echo, listen, TEXT, tells } from './support.ts';

interface Answer {
  headers: IncomingHttpHeaders;
  text: string;
  /** The code with which the stream was reset; 0 when it ended as it should. */
  reset: number;
}

async function request(
  url: string,
  headers: Record<string, string>,
  body = '',
  options: SecureClientSessionOptions = {},
): Promise<Answer> {
  const session = connect(url, options);
  session.on('error', () => {});
  const stream = session.request(headers);
  let received: IncomingHttpHeaders = {};
  let text = '';
  stream.on('response', (fields) => {
    received = fields;
  });
  stream.on('data', (chunk) => {
    text += chunk;
  });
  stream.on('error', () => {});
  if (body !== '') stream.end(body);
  await new Promise((resolve) => stream.on('close', resolve));
  session.close();
  return { headers: received, text, reset: stream.rstCode ?? 0 };
}

/** Mounts an application at `/gateway` of a server of each kind, and gives the server's URL. */
const kinds = {
  async cleartext(options: GatewayOptions): Promise<string> {
    const app = fastify({ http2: true });
    onTestFinished(() => app.close());
    await app.register(fastifyGateway, options);
    return `http://127.0.0.1:${await listen(app)}`;
  },
  async secure(options: GatewayOptions): Promise<string> {
    const app = fastify({ http2: true, https: selfSigned() });
    onTestFinished(() => app.close());
    await app.register(fastifyGateway, options);
    return `https://127.0.0.1:${await listen(app)}`;
  },
};

describe.each([
  ['cleartext', 'http'],
  ['secure', 'https'],
] as const)('HTTP/2, %s', (kind, scheme) => {
  const mount = (app: Application, options = {}): Promise<string> =>
    kinds[kind]({ app, prefix: '/gateway', ...options });
  const ask = (url: string, headers: Record<string, string>, body?: string) =>
    request(url, headers, body, { rejectUnauthorized: false });

  it('tells the protocol, the host and the scheme', async () => {
    const url = await mount(tells('SERVER_PROTOCOL', 'HTTP_HOST', 'wsgi.url_scheme', 'PATH_INFO'));
    const { headers, text } = await ask(url, { ':path': '/gateway/x', ':authority': 'a.example' });
    expect(headers[':status']).toBe(200);
    expect(JSON.parse(text)).toEqual({
      SERVER_PROTOCOL: 'HTTP/2.0',
      HTTP_HOST: 'a.example',
      'wsgi.url_scheme': scheme,
      PATH_INFO: '/x',
    });
  });

  it('reads a body, and sends one in chunks with repeated fields and a reason that it has no place for', async () => {
    const url = await mount(async function* (environ, startResponse) {
      startResponse('201 Quite Fine', [
        ...TEXT,
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-Many', '1'],
        ['X-Many', '2'],
      ]);
      yield Buffer.from('got ');
      yield await environ['wsgi.input'].read();
    });
    const answer = await ask(url, { ':path': '/gateway', ':method': 'POST' }, 'a body');
    expect(answer).toMatchObject({ text: 'got a body', reset: 0 });
    expect(answer.headers).toMatchObject({
      ':status': 201,
      'set-cookie': ['a=1', 'b=2'],
      'x-many': '1, 2',
    });
  });

  it('answers 413 without a Connection field', async () => {
    const url = await mount(echo, { maxBodySize: 10 });
    const answer = await ask(url, { ':path': '/gateway', ':method': 'POST' }, 'x'.repeat(100));
    expect(answer.headers[':status']).toBe(413);
    expect(answer.headers).not.toHaveProperty('connection');
  });

  it('resets the stream of a response that fails midway: nobody takes it for whole', async () => {
    const url = await mount(async function* (_environ, startResponse) {
      startResponse('200 OK', TEXT);
      yield Buffer.from('begun');
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error('failed midway');
    });
    const answer = await ask(url, { ':path': '/gateway' });
    expect(answer.text).toBe('begun');
    expect(answer.reset).not.toBe(0);
  });

  it('closes the body when the client resets the stream', async () => {
    const body = new CountedBody(
      (async function* () {
        yield Buffer.from('begun');
        await new Promise(() => {});
      })(),
    );
    const url = await mount((_environ, startResponse) => {
      startResponse('200 OK', TEXT);
      return body;
    });
    const session = connect(url, { rejectUnauthorized: false });
    const stream = session.request({ ':path': '/gateway' });
    stream.on('error', () => {});
    await new Promise((resolve) => stream.on('data', resolve));
    stream.close(8);
    await body.closed;
    expect(body.closes).toBe(1);
    session.destroy();
  });
});

it('closes the body that a hook has sent something else for, on a connection that stays', async () => {
  const body = new CountedBody(
    (async function* () {
      yield Buffer.from('begun');
      await new Promise(() => {});
    })(),
  );
  const app = fastify({ http2: true });
  onTestFinished(() => app.close());
  app.addHook('onSend', async () => 'replaced');
  await app.register(fastifyGateway, {
    app: (_environ, startResponse) => {
      startResponse('200 OK', TEXT);
      return body;
    },
  });
  const session = connect(`http://127.0.0.1:${await listen(app)}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ':path': '/' });
  let text = '';
  for await (const chunk of stream) text += chunk;
  expect(text).toBe('replaced');
  await body.closed;
  expect(body.closes).toBe(1);
});
