/** A body that fails midway must not look whole, whatever middleware has made of the fields that delimit it. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TextErrors } from '@wsgi/core';
import { mountGateway } from '@wsgi/http';
import { expect, it, onTestFinished } from 'vitest';
import { dialEndpoint, wasReset } from '../torture/dial.ts';

/** Whether the connection of a response that fails after half of its body was reset, and not ended in order. */
async function cutIsReset(
  prepare: (response: ServerResponse) => void,
  { length, version }: { length: string | undefined; version: '1.0' | '1.1' },
): Promise<boolean> {
  const gateway = mountGateway(
    async function* (_environ, startResponse) {
      startResponse('200 OK', length === undefined ? [] : [['Content-Length', length]]);
      yield Buffer.from('half');
      throw new Error('planned');
    },
    { errors: new TextErrors(() => {}) },
  );
  const server = createServer((request, response) => {
    prepare(response);
    gateway(request, response);
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = await dialEndpoint({ port, secure: false, protocol: 'http1' });
  socket.write(`GET / HTTP/${version}\r\nHost: a\r\n\r\n`);
  return await wasReset(socket);
}

function dropFromWriteHead(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
  response.writeHead = (...args: unknown[]) => {
    response.removeHeader('Content-Length');
    return writeHead(...args);
  };
}

function dropFromSetHeader(response: ServerResponse): void {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name, value) =>
    name.toLowerCase() === 'content-length' ? response : setHeader(name, value);
}

function addLength(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
  response.writeHead = (...args: unknown[]) => {
    response.setHeader('Content-Length', '8');
    return writeHead(...args);
  };
}

function refuseChunks(response: ServerResponse): void {
  response.removeHeader('Transfer-Encoding');
}

it.each([
  ['writeHead is wrapped to drop the length', dropFromWriteHead, '8', '1.0'],
  ['setHeader is wrapped to drop the length', dropFromSetHeader, '8', '1.0'],
  ['somebody has refused chunked coding', refuseChunks, undefined, '1.1'],
] as const)('a cut is a reset where %s', async (_name, prepare, length, version) => {
  expect(await cutIsReset(prepare, { length, version })).toBe(true);
});

it.each([
  ['nobody has touched the response', () => {}, '8', '1.0'],
  ['the host has set a field', (response) => response.setHeader('X-By', 'host'), '8', '1.0'],
  ['writeHead is wrapped to add a length', addLength, undefined, '1.0'],
  ['chunks come where the length is dropped', dropFromWriteHead, '8', '1.1'],
] satisfies [string, (response: ServerResponse) => unknown, string | undefined, '1.0' | '1.1'][])(
  'a cut that the framing tells is an end in order: %s',
  async (_name, prepare, length, version) => {
    expect(await cutIsReset(prepare, { length, version })).toBe(false);
  },
);
