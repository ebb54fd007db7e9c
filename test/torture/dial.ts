import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Application } from '@wsgi/core';
import { onTestFinished } from 'vitest';
import type { Endpoint } from '../hosts/client/index.ts';
import type { Host, MountOptions } from '../hosts/stage.ts';

/** A server and a socket to it, which stays open for writing when the server ends it. */
export async function dial(
  host: Host,
  app: Application,
  options: MountOptions = {},
): Promise<Socket> {
  const served = await host.serve(app, options);
  onTestFinished(() => served.close());
  return dialEndpoint(served);
}

/** Such a socket to a server that is there. */
export async function dialEndpoint(
  served: Pick<Endpoint, 'port' | 'secure' | 'protocol'>,
): Promise<Socket> {
  const address = { port: served.port, host: '127.0.0.1', allowHalfOpen: true };
  const ALPNProtocols = [served.protocol === 'http2' ? 'h2' : 'http/1.1'];
  const socket = served.secure
    ? connectTls({ ...address, rejectUnauthorized: false, ALPNProtocols })
    : connect(address);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {}).resume();
  await once(socket, served.secure ? 'secureConnect' : 'connect');
  return socket;
}

/** Whether the connection ended with a reset. Node shows one that comes with data as an end; a write then fails. */
export async function wasReset(socket: Socket): Promise<boolean> {
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  if (socket.destroyed) return socket.errored !== null;
  if (socket.writableEnded) return once(socket, 'close').then(() => socket.errored !== null);
  return new Promise((resolve) => socket.write('\n', (error) => resolve(error != null)));
}

/** Whether a connection that is to close is reset over a body that takes a while to come. */
export async function resetsUpload(
  socket: Socket,
  head = 'PUT / HTTP/1.1\r\nHost: a\r\nConnection: close',
): Promise<boolean> {
  const size = 300_000;
  const reset = wasReset(socket);
  const isChunked = /^transfer-encoding:/im.test(head);
  const piece = Buffer.concat(
    isChunked
      ? [Buffer.from('3e8\r\n'), Buffer.alloc(1000), Buffer.from('\r\n')]
      : [Buffer.alloc(1000)],
  );
  socket.write(`${head}\r\n${isChunked ? '' : `Content-Length: ${size}\r\n`}\r\n`);
  for (let sent = 0; sent < size; sent += 1000) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (isChunked) socket.write('0\r\n\r\n');
  return reset;
}
