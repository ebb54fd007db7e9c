import { once } from 'node:events';
import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import type { Application, HeaderList } from '@wsgi/core';
import { fastifyGateway } from '@wsgi/fastify';
import { describe, expect, it } from 'vitest';
import { CountedBody, echo, exchange, head, host, listen, says, TEXT, until } from './support.ts';

const answers =
  (status: string, headers: HeaderList, ...chunks: string[]): Application =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return chunks.map((chunk) => Buffer.from(chunk));
  };

describe('what the application says is what is sent', () => {
  it('an empty body without a type is an empty response, not JSON', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: answers('200 OK', []) });
    const response = await app.inject('/');
    expect(response.body).toBe('');
    expect(response.headers).toMatchObject({ 'content-length': '0' });
    expect(response.headers).not.toHaveProperty('content-type');
  });

  it('an empty body of JSON is empty, and is not serialized', async () => {
    const { app } = host();
    let serialized = 0;
    app.addHook('preSerialization', async (_request, _reply, payload) => {
      serialized += 1;
      return payload;
    });
    const json: HeaderList = [['Content-Type', 'application/json']];
    await app.register(fastifyGateway, { app: answers('200 OK', json) });
    const response = await app.inject('/');
    expect([response.body, response.headers['content-type']]).toEqual(['', 'application/json']);
    expect(serialized).toBe(0);
  });

  it.each([
    ['one chunk', ['a body']],
    ['two chunks', ['a ', 'body']],
  ])('%s without a type gets none', async (_name, chunks) => {
    const { app } = host();
    await app.register(fastifyGateway, { app: answers('200 OK', [], ...chunks) });
    const response = await app.inject('/');
    expect(response.body).toBe('a body');
    expect(response.headers).toMatchObject({ 'content-length': '6' });
    expect(response.headers).not.toHaveProperty('content-type');
  });

  it.each(['', 'text', 'html; charset=utf-8', 'text/html; charset=utf-8'])(
    'one chunk of the type %j is sent with it',
    async (type) => {
      const { app } = host();
      await app.register(fastifyGateway, {
        app: answers('200 OK', [['Content-Type', type]], 'a body'),
      });
      const { body, headers } = await app.inject('/');
      expect([body, headers['content-type'], headers['content-length']]).toEqual([
        'a body',
        type,
        '6',
      ]);
    },
  );

  it('one chunk of two types is sent with both', async () => {
    const { app } = host();
    const types: HeaderList = [...TEXT, ['Content-Type', 'text/html']];
    await app.register(fastifyGateway, { app: answers('200 OK', types, 'a body') });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text).toMatch(/content-type: text\/plain\r\ncontent-type: text\/html\r\n/i);
  });

  it.each<[memory: string, chunk: (text: string) => Uint8Array]>([
    [
      'shared',
      (text) => {
        const bytes = new Uint8Array(new SharedArrayBuffer(text.length));
        bytes.set(Buffer.from(text));
        return bytes;
      },
    ],
    ['of another realm', (text) => runInNewContext(`Uint8Array.from([${[...Buffer.from(text)]}])`)],
  ])('bytes of JSON whose memory is %s are sent as they are', async (_memory, chunk) => {
    const { app } = host();
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'application/json']]);
        return [chunk('{"a":1}')];
      },
    });
    const { body, headers } = await app.inject('/');
    expect([body, headers['content-type']]).toEqual(['{"a":1}', 'application/json']);
  });

  it('HEAD keeps the type and the length that the application gave', async () => {
    const { app } = host();
    const headers: HeaderList = [
      ['Content-Type', 'application/json'],
      ['Content-Length', '12345'],
    ];
    await app.register(fastifyGateway, { app: answers('200 OK', headers) });
    const text = await exchange(await listen(app), head('HEAD /'));
    expect(text).toMatch(/content-length: 12345\r\n/i);
    expect(text).toMatch(/content-type: application\/json\r\n/i);
    expect(text.endsWith('\r\n\r\n')).toBe(true);
  });

  it('304 keeps the length that 200 would have', async () => {
    const { app } = host();
    const headers: HeaderList = [
      ['ETag', '"1"'],
      ['Content-Length', '12345'],
    ];
    await app.register(fastifyGateway, { app: answers('304 Not Modified', headers) });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text).toMatch(/^HTTP\/1\.1 304 Not Modified\r\n/);
    expect(text).toMatch(/content-length: 12345\r\n/i);
  });

  it('repeated fields are repeated, in order', async () => {
    const { app } = host();
    const headers: HeaderList = [
      ['WWW-Authenticate', 'Basic realm="a"'],
      ['WWW-Authenticate', 'Bearer'],
      ...TEXT,
    ];
    await app.register(fastifyGateway, { app: answers('401 Who Are You', headers, 'x') });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text).toMatch(/www-authenticate: Basic realm="a"\r\nwww-authenticate: Bearer\r\n/i);
  });
});

describe('the reason', () => {
  it('is the one that the application gave', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: answers('299 Quite Fine', TEXT, 'x') });
    expect((await exchange(await listen(app), head('GET /'))).split('\r\n')[0]).toBe(
      'HTTP/1.1 299 Quite Fine',
    );
  });

  it('does not outlive its code: an error page has a reason of its own', async () => {
    const { app } = host();
    let calls = 0;
    app.addHook('onSend', async () => {
      calls += 1;
      if (calls === 1) throw new Error('a hook failed');
    });
    await app.register(fastifyGateway, { app: answers('200 Quite Fine', TEXT, 'x') });
    expect((await exchange(await listen(app), head('GET /'))).split('\r\n')[0]).toBe(
      'HTTP/1.1 500 Internal Server Error',
    );
  });

  it('gives way to a reason that a hook sets', async () => {
    const { app } = host();
    app.addHook('onSend', async (_request, reply) => {
      reply.raw.statusMessage = 'Hooked';
    });
    await app.register(fastifyGateway, { app: answers('200 Quite Fine', TEXT, 'x') });
    expect((await exchange(await listen(app), head('GET /'))).split('\r\n')[0]).toBe(
      'HTTP/1.1 200 Hooked',
    );
  });
});

describe('what the host has set before', () => {
  it('keeps cookies, of the reply and of the raw response, merges Vary and gives way otherwise', async () => {
    const { app } = host();
    app.addHook('onRequest', async (_request, reply) => {
      reply.raw.setHeader('Set-Cookie', 'raw=1');
      reply.header('Set-Cookie', 'reply=1').header('Vary', 'Origin').header('X-Both', 'host');
      reply.header('X-Host', 'host');
    });
    const headers: HeaderList = [
      ['Set-Cookie', 'app=1'],
      ['Set-Cookie', 'app=2'],
      ['Vary', 'Accept, origin'],
      ['X-Both', 'app'],
      ...TEXT,
    ];
    await app.register(fastifyGateway, { app: answers('200 OK', headers, 'x') });
    const response = await app.inject('/');
    expect([response.headers['set-cookie']].flat().toSorted()).toEqual([
      'app=1',
      'app=2',
      'raw=1',
      'reply=1',
    ]);
    expect(response.headers).toMatchObject({
      vary: 'Origin, Accept',
      'x-both': 'app',
      'x-host': 'host',
    });
  });
});

describe('how another body was delimited', () => {
  const one = answers('200 OK', TEXT, 'whole');
  const two: Application = async function* (_environ, startResponse) {
    startResponse('200 OK', TEXT);
    yield Buffer.from('in ');
    yield Buffer.from('parts');
  };
  it.each<[name: string, value: string, app: Application, sent: RegExp]>([
    ['Content-Length', '3', one, /content-length: 5\r\n[\s\S]*\r\n\r\nwhole$/],
    // Two chunks of one turn: Node 26 sends them as one.
    [
      'Content-Length',
      '3',
      two,
      /chunked\r\n\r\n(?:3\r\nin \r\n5\r\nparts|8\r\nin parts)\r\n0\r\n\r\n$/,
    ],
    ['Content-Length', '3', answers('204 No Content', []), /\r\n\r\n$/],
    ['Transfer-Encoding', 'chunked', one, /content-length: 5\r\n[\s\S]*\r\n\r\nwhole$/],
    ['Transfer-Encoding', 'chunked', two, /\r\n\r\nin parts$/],
  ])(
    'as %s: %s, which a hook has set, is not what the client is told',
    async (name, value, application, sent) => {
      for (const isRaw of [false, true]) {
        const { app } = host();
        app.addHook('onRequest', async (_request, reply) => {
          if (isRaw) reply.raw.setHeader(name, value);
          else reply.header(name, value);
        });
        await app.register(fastifyGateway, { app: application });
        const text = await exchange(await listen(app), head('GET /'));
        expect(text).toMatch(sent);
        expect(text).not.toContain(': 3\r\n');
        expect(text.match(/^(content-length|transfer-encoding):/gim)?.length ?? 0).toBeLessThan(2);
      }
    },
  );
});

describe('a payload that a hook replaces', () => {
  it.each([
    ['a string', () => 'replaced'],
    ['a stream', () => Readable.from([Buffer.from('replaced')])],
  ])('by %s is sent, and the body of the application is closed once', async (_name, make) => {
    const { app } = host();
    const body = new CountedBody(endless());
    app.addHook('onSend', async (_request, reply) => {
      reply.removeHeader('content-length');
      return make();
    });
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return body;
      },
    });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text).toContain('replaced');
    await body.closed;
    expect(body.closes).toBe(1);
  });

  it.each([
    ['a stream', () => Readable.from([Buffer.from('replaced')])],
    ['a Response', () => new Response('replaced')],
  ])('by %s, where it was one chunk, is not sent with the length of that', async (_name, make) => {
    const { app } = host();
    app.addHook('onSend', async () => make());
    await app.register(fastifyGateway, { app: says('one chunk, which is longer') });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text).not.toMatch(/content-length/i);
    expect(text).toMatch(/\r\n8\r\nreplaced\r\n0\r\n\r\n$/);
  });

  it('and is destroyed by the hook closes the body at once, not at the end of the response', async () => {
    const { app } = host();
    const body = new CountedBody(endless());
    app.addHook('onSend', async (_request, _reply, payload) => {
      if (payload instanceof Readable) payload.destroy();
      await body.closed;
      return 'replaced';
    });
    await app.register(fastifyGateway, {
      app: (_environ, startResponse) => {
        startResponse('200 OK', TEXT);
        return body;
      },
    });
    expect(await exchange(await listen(app), head('GET /'))).toMatch(/replaced$/);
    expect(body.closes).toBe(1);
  });

  it('is a buffer when the whole body is one chunk, so that hooks can work with it', async () => {
    const { app } = host();
    const seen: unknown[] = [];
    app.addHook('onSend', async (_request, _reply, payload) => {
      seen.push(Buffer.isBuffer(payload) ? payload.toString() : payload);
    });
    await app.register(fastifyGateway, { app: says('whole') });
    await app.inject('/');
    expect(seen).toEqual(['whole']);
  });
});

describe('trailers', () => {
  it('of the host are sent behind a body in one chunk, which then has no Content-Length', async () => {
    const { app } = host();
    app.addHook('onRequest', async (_request, reply) => {
      reply.trailer('x-sum', async () => '42');
    });
    await app.register(fastifyGateway, { app: says('summed') });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text).not.toMatch(/content-length/i);
    expect(text).toMatch(/\r\n6\r\nsummed\r\n0\r\nx-sum: 42\r\n\r\n$/);
  });
});

describe('write()', () => {
  it('settles each of several writes that wait for the transport', async () => {
    const { app } = host();
    const settled: number[] = [];
    await app.register(fastifyGateway, {
      app: async (_environ, startResponse) => {
        const write = startResponse('200 OK', TEXT);
        const chunk = Buffer.alloc(100_000, '#');
        await Promise.all(
          [1, 2, 3].map((n) => Promise.resolve(write(chunk)).then(() => settled.push(n))),
        );
        return [];
      },
    });
    const text = await exchange(await listen(app), head('GET /'));
    expect(text.match(/#/g)?.length).toBe(300_000);
    expect(settled.toSorted()).toEqual([1, 2, 3]);
  });
});

describe('a body that is not read', () => {
  it('is drained when the connection closes, so that the response arrives', async () => {
    const { app } = host();
    await app.register(fastifyGateway, { app: says('not read') });
    const port = await listen(app);
    const body = Buffer.alloc(3_000_000, 'x');
    const request = Buffer.concat([
      Buffer.from(head('POST /', `Content-Length: ${body.length}`)),
      body,
    ]);
    for (let round = 0; round < 5; round += 1) {
      expect(await exchange(port, request)).toMatch(/not read$/);
    }
  });

  it.each([
    ['one chunk', says('not read')],
    ['chunks', answers('200 OK', TEXT, 'not ', 'read')],
  ])(
    'is waited for, after a body in %s, before the connection closes',
    async (_name, application) => {
      const { app } = host();
      await app.register(fastifyGateway, { app: application });
      const request = head('POST /', 'Content-Length: 4');
      const socket = await until(await listen(app), request, 'not read');
      let ended = false;
      socket.on('end', () => {
        ended = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(ended).toBe(false);
      socket.write('body');
      await once(socket, 'end');
    },
  );

  it('is there for a hook that reads it before the response is sent', async () => {
    const { app } = host();
    let read = 0;
    app.addHook('onSend', async (request) => {
      await new Promise((resolve) => setImmediate(resolve));
      for await (const chunk of request.raw) read += chunk.length;
    });
    await app.register(fastifyGateway, { app: says('not read') });
    const port = await listen(app);
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: 'x'.repeat(100_000),
    });
    expect(await response.text()).toBe('not read');
    expect(read).toBe(100_000);
  });
});

it('echoes what it is sent, whatever the host would parse it as', async () => {
  const { app } = host();
  await app.register(fastifyGateway, { app: echo });
  for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'a/b']) {
    const payload = '{not json';
    const response = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': type },
      payload,
    });
    expect(response.body).toBe(payload);
  }
});

async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    yield Buffer.alloc(16 * 1024, '.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
