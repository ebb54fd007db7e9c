/** A request of a pipeline comes to its application before those ahead of it are answered. */
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { mountGateway } from '@wsgi/http';
import { expect, it, onTestFinished } from 'vitest';

/** A client of a server whose `first` request is answered when the test says so; `listener` gets the others. */
async function dialBehind(
  listener: RequestListener,
): Promise<{ client: Socket; first: Promise<ServerResponse> }> {
  let hold = (_response: ServerResponse): void => {};
  const first = new Promise<ServerResponse>((resolve) => {
    hold = resolve;
  });
  const server = createServer((request, response) =>
    request.url === '/first' ? hold(response) : listener(request, response),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  onTestFinished(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  client.on('error', () => {}).write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  return { client, first };
}

it('an application that is called when the client of a pipeline has already gone is told so, and its body is closed', async () => {
  let close = (_reason: unknown): void => {};
  const closed = new Promise((resolve) => {
    close = resolve;
  });
  const gateway = mountGateway((environ, startResponse) => {
    startResponse('200 OK', []);
    const signal = environ['gateway.signal']();
    const body = (async function* () {
      await once(signal, 'abort');
      yield Buffer.from('nobody is there');
    })();
    return Object.assign(body, { close: () => close(signal.reason) });
  });
  // As middleware does that waits for a session store.
  const { client } = await dialBehind((request, response) => {
    request.socket.once('close', () => setImmediate(gateway, request, response));
    client.destroy();
  });
  client.write('GET /second HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await closed).toMatchObject({ code: 'ECONNRESET' });
});

it.each(['as Node made it', 'with a field of the host'])(
  'a 100 (Continue) that waits in a pipeline stays ahead of the head of its answer, on a response %s',
  async (kind) => {
    const gateway = mountGateway((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.alloc(5000, 's')];
    });
    const { client, first } = await dialBehind((request, response) => {
      if (kind !== 'as Node made it') response.setHeader('X-Host', 'host');
      gateway(request, response);
      first.then((before) => before.end('first'));
    });
    const expecting = 'Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab';
    client.write(`PUT /second HTTP/1.1\r\nHost: a\r\n${expecting}`);
    const parts = await client.setEncoding('latin1').toArray();
    const [, ...second] = parts.join('').split(/(?=HTTP\/1\.1 )/);
    expect(second.map((answer) => answer.slice(0, 12))).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
    expect(second[1]?.split('\r\n\r\n')[1]).toBe('s'.repeat(5000));
  },
);
