import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Application } from '@wsgi/core';
import { onTestFinished } from 'vitest';
import type { Host } from '../hosts/stage.ts';

/** A server and a socket to it, which stays open for writing when the server ends it. */
export async function dial(host: Host, app: Application): Promise<Socket> {
  const served = await host.serve(app, {});
  onTestFinished(() => served.close());
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
