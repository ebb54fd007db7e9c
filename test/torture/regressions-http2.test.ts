/** Defects that the torture has found with HTTP/2 alone, each by the behaviour that was wrong. */
import { once } from 'node:events';
import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { Application } from '@wsgi/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../hosts/client/index.ts';
import type { Host } from '../hosts/stage.ts';
import { dial } from './dial.ts';
import { playedHosts } from './hosts.ts';

const hosts = playedHosts.filter(({ name }) => /http2|HTTP\/2/.test(name));

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const GOAWAY = 7;
const END_STREAM = 1;
const END_HEADERS = 4;

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A request for / of the host `a`, in the static table's fields (RFC 7541, appendix A). */
function requestHead(method: string, secure: boolean): Buffer {
  const scheme = secure ? 0x87 : 0x86;
  const line = [0x02, method.length, ...Buffer.from(method), scheme, 0x84, 0x41, 1, 0x61];
  return Buffer.from(line);
}

const resetBy = (code: number): Buffer => frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, code]));

/** A client that sends what it is told, because Node's ends a request before it resets it. Its request is sent. */
async function begin(host: Host, app: Application, body: string, method = 'GET'): Promise<Socket> {
  const socket = await dial(host, app);
  const secure = 'encrypted' in socket;
  const flags = END_HEADERS + (body === 'whole' ? END_STREAM : 0);
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
  socket.write(frame(HEADERS, flags, 1, requestHead(method, secure)));
  return socket;
}

/** More than a stream's window, of which a client that says nothing takes 65,535 bytes. */
const LARGE = 200_000;

/** An array, all of which is handed over before the client can take it. */
const whole: Application = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return [Buffer.alloc(LARGE)];
};

const endless: Application = async function* (_environ, startResponse) {
  startResponse('200 OK', []);
  for (;;) yield Buffer.alloc(LARGE);
};

describe.each(hosts)('$name', (host) => {
  describe.each([
    ['was handed over whole', whole],
    ['goes on', endless],
  ])('whose answer %s', (_what, app) => {
    it.each(['whole', 'unsent'])(
      'closes the connection of a client that resets its stream with NO_ERROR and goes, its body %s',
      async (body) => {
        const socket = await begin(host, app, body);
        await once(socket, 'data');
        socket.write(resetBy(constants.NGHTTP2_NO_ERROR));
        socket.end(frame(GOAWAY, 0, 0, Buffer.alloc(8)));
        await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
      },
    );
  });

  it.each(['whole', 'unsent', 'read in part'])(
    'closes the body of an answer that is reset with NO_ERROR, on a connection that stays, its body %s',
    async (body) => {
      let closed = false;
      const app: Application = async (environ, startResponse) => {
        if (body === 'read in part') await environ['wsgi.input'].read(1);
        return Object.assign(endless(environ, startResponse), {
          close: () => {
            closed = true;
          },
        });
      };
      const socket = await begin(host, app, body);
      if (body === 'read in part') {
        // Past what the request holds ahead, and within the stream's window.
        for (let i = 0; i < 4; i += 1) socket.write(frame(DATA, 0, 1, Buffer.alloc(16_000)));
      }
      await once(socket, 'data');
      socket.write(resetBy(constants.NGHTTP2_NO_ERROR));
      await expect.poll(() => closed).toBe(true);
    },
  );
});

describe.each(hosts)('$name', (host) => {
  it.each(['HEAD', 'PUT'])(
    'does not take the part of a body for the whole whose %s is reset with NO_ERROR',
    async (method) => {
      let begun = false;
      let ended: string | undefined;
      const app: Application = async (environ) => {
        const input = environ['wsgi.input'];
        await input.read(1);
        begun = true;
        ended = await input.read().then(
          () => 'whole',
          ({ name }) => name,
        );
        throw new Error('planned');
      };
      const socket = await begin(host, app, 'unsent', method);
      socket.write(frame(DATA, 0, 1, Buffer.alloc(300)));
      await expect.poll(() => begun).toBe(true);
      socket.write(resetBy(constants.NGHTTP2_NO_ERROR));
      await expect.poll(() => ended).toBe('ClientDisconnectedError');
    },
  );

  it.each([
    ['PUT', 'NO_ERROR', constants.NGHTTP2_NO_ERROR],
    ['HEAD', 'CANCEL', constants.NGHTTP2_CANCEL],
  ])(
    'does not take the part of a body for the whole whose %s is reset with %s behind the head of its answer',
    async (method, _name, code) => {
      let begun = false;
      let ended: string | undefined;
      const app: Application = async (environ, startResponse) => {
        const input = environ['wsgi.input'];
        startResponse('200 OK', [])(Buffer.from('begun'));
        await input.read(1);
        begun = true;
        ended = await input.read().then(
          () => 'whole',
          ({ name }) => name,
        );
        return [];
      };
      const socket = await begin(host, app, 'unsent', method);
      socket.write(frame(DATA, 0, 1, Buffer.alloc(300)));
      await expect.poll(() => begun).toBe(true);
      socket.write(resetBy(code));
      await expect.poll(() => ended).toBe('ClientDisconnectedError');
    },
  );

  it('tells an application that goes on behind the head of HEAD that its stream is reset, on a connection that stays', async () => {
    let begun = false;
    let told = false;
    const socket = await begin(
      host,
      async (environ, startResponse) => {
        const signal = environ['gateway.signal']();
        startResponse('200 OK', [])(Buffer.from('not sent'));
        begun = true;
        await once(signal, 'abort');
        told = true;
        return [];
      },
      'unsent',
      'HEAD',
    );
    await expect.poll(() => begun).toBe(true);
    socket.write(resetBy(constants.NGHTTP2_CANCEL));
    await expect.poll(() => told).toBe(true);
  });

  it.each(['HEAD', 'GET'])(
    'tells an application that has yet to answer that its %s is reset with NO_ERROR, on a connection that stays',
    async (method) => {
      let begun = false;
      let told = false;
      const app: Application = async (environ, startResponse) => {
        const signal = environ['gateway.signal']();
        begun = true;
        await once(signal, 'abort');
        told = true;
        return whole(environ, startResponse);
      };
      const socket = await begin(host, app, 'whole', method);
      await expect.poll(() => begun).toBe(true);
      socket.write(resetBy(constants.NGHTTP2_NO_ERROR));
      await expect.poll(() => told).toBe(true);
    },
  );

  it('closes the connection of a client that goes after an answer whose application failed behind its head', async () => {
    let fail = (): void => {};
    const failing = new Promise<void>((resolve) => {
      fail = resolve;
    });
    const socket = await begin(
      host,
      async (_environ, startResponse) => {
        startResponse('204 No Content', [])(Buffer.from('not sent'));
        await failing;
        throw new Error('planned');
      },
      'unread',
    );
    socket.write(frame(DATA, END_STREAM, 1, Buffer.alloc(300)));
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    fail();
    socket.end(frame(GOAWAY, 0, 0, Buffer.alloc(8)));
    await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  });
});

// Fastify sends no head before it has the end of an answer without a body.
describe.each(hosts.filter(({ name }) => name.startsWith('node:http2')))('$name', (host) => {
  it.each([
    ['HEAD', '200 OK'],
    ['GET', '204 No Content'],
  ])(
    'lets an application go on behind a %s with %s until its client goes',
    async (method, status) => {
      const failed: unknown[] = [];
      let toldEarly: boolean | undefined;
      let told = false;
      const served = await host.serve(async (environ, startResponse) => {
        const write = startResponse(status, []);
        write(Buffer.from('not sent'));
        const request = environ['node.request'];
        // The stream is over when both sides have said all.
        if (request !== undefined && 'stream' in request) await once(request.stream, 'close');
        const signal = environ['gateway.signal']();
        toldEarly = signal.aborted;
        await Promise.resolve(write(Buffer.from('nor this'))).catch((error) => failed.push(error));
        if (!signal.aborted)
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        told = true;
        return [];
      }, {});
      onTestFinished(() => served.close());
      const connection = await connect(served);
      onTestFinished(() => connection.close());
      const response = await connection.start({ method }).response;
      expect([response.complete, response.text]).toEqual([true, '']);
      await expect.poll(() => toldEarly).toBe(false);
      expect(failed).toEqual([]);
      connection.close();
      await expect.poll(() => told).toBe(true);
      expect(served.reported()).toBe('');
    },
  );

  it.each([
    ['HEAD', '200 OK'],
    ['POST', '204 No Content'],
  ])('lets an application read its request behind a %s with %s', async (method, status) => {
    let input = '';
    const served = await host.serve(async (environ, startResponse) => {
      const write = startResponse(status, []);
      write(Buffer.from('not sent'));
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      input = Buffer.from(await environ['wsgi.input'].read()).toString();
      return [];
    }, {});
    onTestFinished(() => served.close());
    const connection = await connect(served);
    onTestFinished(() => connection.close());
    const exchange = connection.start({ method, upload: 'unsized' });
    await exchange.send('before it, ');
    await exchange.head;
    await exchange.send('behind it');
    exchange.finish();
    const response = await exchange.response;
    expect([response.complete, response.text]).toEqual([true, '']);
    await expect.poll(() => input).toBe('before it, behind it');
    expect(served.reported()).toBe('');
  });

  it.each([
    ['HEAD', '200 OK', 300],
    ['HEAD', '200 OK', 20_000],
    ['POST', '204 No Content', 300],
    ['POST', '204 No Content', 20_000],
  ])(
    'lets an application read behind a %s with %s the %d bytes that came before it',
    async (method, status, size) => {
      let read: number | undefined;
      const app: Application = async (environ, startResponse) => {
        for (let turn = 0; turn < 9; turn += 1)
          await new Promise((resolve) => setImmediate(resolve));
        startResponse(status, [])(Buffer.from('not sent'));
        for (let turn = 0; turn < 9; turn += 1)
          await new Promise((resolve) => setImmediate(resolve));
        read = (await environ['wsgi.input'].read()).length;
        return [];
      };
      const socket = await begin(host, app, 'unsent', method);
      for (let sent = 0; sent < size; sent += 100)
        socket.write(frame(DATA, sent + 100 < size ? 0 : END_STREAM, 1, Buffer.alloc(100)));
      await expect.poll(() => read).toBe(size);
    },
  );
});
