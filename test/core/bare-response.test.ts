/** Bytes that go to Node itself are held no longer than it says; by middleware they may be. */
import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NodeHandler } from '@wsgi/core/node';
import { expect, it, onTestFinished } from 'vitest';

class OwnEnd<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {}
OwnEnd.prototype.end = function end(...args: unknown[]) {
  return Reflect.apply(ServerResponse.prototype.end, this, args);
};

/** Whether the handler takes it that Node lets go of what it has written, and the body that the client got. */
async function serve(
  prepare: (response: ServerResponse) => void,
  Response: typeof ServerResponse = ServerResponse,
): Promise<[releases: boolean, body: string]> {
  let releases = false;
  const server = createServer(
    { IncomingMessage, ServerResponse: Response },
    (request, response) => {
      prepare(response);
      const handler = new NodeHandler(request, response);
      handler.run((_environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return [Buffer.from('small')];
      });
      releases = handler.releasesBytes;
    },
  );
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const body = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  return [releases, body];
}

it.each<[string, (response: ServerResponse) => void]>([
  ['nobody has touched', () => {}],
  ['the host has set header fields on', (response) => response.setHeader('X-Powered-By', 'host')],
])('a response that %s gives its bytes to Node', async (_name, prepare) => {
  expect(await serve(prepare)).toEqual([true, 'small']);
});

it.each(['write', 'end', 'writeHead'] as const)(
  'a response whose %s somebody has replaced may hold the bytes',
  async (method) => {
    const replace = (response: ServerResponse): void => {
      const before = response[method].bind(response) as (...args: unknown[]) => never;
      response[method] = (...args: unknown[]) => before(...args);
    };
    expect(await serve(replace)).toEqual([false, 'small']);
  },
);

it('a response of a class with an end of its own may hold the bytes', async () => {
  expect(await serve(() => {}, OwnEnd)).toEqual([false, 'small']);
});

it('an end that somebody has replaced sees the body as bytes', async () => {
  const ended: unknown[] = [];
  await serve((response) => {
    const before = response.end.bind(response) as (...args: unknown[]) => never;
    response.end = (...args: unknown[]) => {
      ended.push(args[0]);
      return before(...args);
    };
  });
  expect(ended).toEqual([Buffer.from('small')]);
});
