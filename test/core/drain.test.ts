/** What is left of a request's body behind an answer: SPEC.md, section 5. No patience ends here unless a test says so. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import type { Application } from '@wsgi/core';
import { NodeHandler } from '@wsgi/core/node';
import { expect, it, onTestFinished, vi } from 'vitest';

const PUT = 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const LATE = 60_000;

const answers: Application = (environ, startResponse) => {
  startResponse('200 OK', []);
  return [Buffer.from(environ.REQUEST_METHOD)];
};

/** A client of a server whose host makes another stream of a PUT's body. */
async function dial(
  app: Application,
  make: (request: IncomingMessage) => Readable,
): Promise<Socket> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const server = createServer((request, response) => {
    const body = request.method === 'PUT' ? make(request) : request;
    new NodeHandler(request, response, { body }).run(app);
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {}).setEncoding('latin1');
  return socket;
}

/** The bodies of all answers that come until the connection closes. */
async function rest(socket: Socket): Promise<string[]> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text.split('HTTP/1.1 200 OK').map((answer) => answer.split('\r\n\r\n').at(-1) ?? '');
}

it('a connection stays when the body that the host has made was taken in, and the patience with it is over', async () => {
  const body = new PassThrough();
  const socket = await dial(answers, (request) => {
    request.resume();
    return body;
  });
  socket.write(`${PUT}\r\n01234`);
  await once(socket, 'data');
  await once(body.end(), 'end');
  vi.advanceTimersByTime(LATE);
  socket.write(`56789${GET}`);
  expect(await rest(socket)).toEqual(['', 'GET']);
});

it('a connection stays when the host has made a body of the beginning that the application has read to its end', async () => {
  const reads: Application = async (environ, startResponse) => {
    await environ['wsgi.input'].read();
    return answers(environ, startResponse);
  };
  const socket = await dial(reads, (request) => {
    request.resume();
    return new PassThrough({ autoDestroy: false }).end('beginning');
  });
  socket.write(`${PUT}\r\n01234`);
  await once(socket, 'data');
  vi.advanceTimersByTime(LATE);
  socket.write(`56789${GET}`);
  expect(await rest(socket)).toEqual(['', 'GET']);
});

it('an answer does not wait for a body that the host has given up', async () => {
  const body = new PassThrough().destroy();
  await once(body, 'close');
  const socket = await dial(answers, () => body);
  socket.write(`${PUT}Connection: close\r\n\r\n`);
  expect(await rest(socket)).toEqual(['', 'PUT']);
});

it('a connection closes behind its answer when the host gives the body up that is being taken in', async () => {
  const body = new PassThrough();
  const socket = await dial(answers, (request) => request.pipe(body));
  socket.write(`${PUT}\r\n01234`);
  const [answer] = await once(socket, 'data');
  expect(answer).toMatch(/PUT$/);
  body.destroy();
  expect(await rest(socket)).toEqual(['']);
});

it('an answer that is still under way is sent whole before the connection closes over a body', async () => {
  const size = 8 * 1024 * 1024;
  const large: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return [Buffer.alloc(size, 'x')];
  };
  const socket = await dial(large, () => new PassThrough().destroy());
  socket.write(`${PUT}\r\n01234`);
  const [, answer] = await rest(socket);
  expect(answer).toHaveLength(size);
});
