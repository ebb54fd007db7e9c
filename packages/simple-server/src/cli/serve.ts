import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Application } from '@wsgi/core';
import { validator } from '@wsgi/core/validate';
import { bracketed, isPath } from '../address.js';
import { demoApp } from '../demo-app.js';
import { makeServer } from '../make-server.js';
import type { WSGIServer } from '../server.js';
import { makeRoomForSocket } from '../unix-socket.js';
import type { Arguments } from './arguments.js';
import { Fault, messageOf } from './fault.js';
import { loadApplication } from './load.js';

/** Loads what the command line names, and serves it. */
export async function serve(args: Arguments): Promise<WSGIServer> {
  const application: Application =
    args.application === undefined ? demoApp : await loadApplication(args.application);
  const { host, port, tls } = args;
  const options = {
    ...(args.quiet && { log: false as const }),
    ...(tls !== undefined && { tls: { cert: readPem(tls.cert), key: readPem(tls.key) } }),
  };
  try {
    return await makeServer(
      host,
      port,
      args.validate ? validator(application) : application,
      options,
    );
  } catch (error) {
    throw new Fault(whyNot(error, args));
  }
}

/** What a server does for its Unix socket, and a worker cannot: to be called by the process that starts them. */
export async function makeRoomForWorkers(args: Arguments): Promise<void> {
  if (!isPath(args.host)) return;
  try {
    await makeRoomForSocket(args.host);
  } catch (error) {
    throw new Fault(whyNot(error, args));
  }
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Fault(`cannot read ${path}: ${errorCode(error)}`);
  }
}

function whyNot(error: unknown, { host, port, tls }: Arguments): string {
  const code = errorCode(error);
  const where = isPath(host) ? host : `${bracketed(host)}:${port}`;
  const message = messageOf(error);
  // What is wrong with the path itself.
  if (message.startsWith(where)) return message;
  if (code === 'EADDRINUSE')
    return `${where} is in use: stop what listens there, or choose another`;
  // Node says EACCES of it.
  if (isPath(host) && !existsSync(dirname(host)))
    return `there is no folder ${dirname(host)} for the socket`;
  if (code === 'EACCES') return `${where} may not be listened on by this user`;
  if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL')
    return `${where} is no address of this machine`;
  if (tls !== undefined && code.startsWith('ERR_OSSL'))
    return `${tls.cert} and ${tls.key} are no certificate and its key (PEM): ${message}`;
  return `cannot listen on ${where}: ${message}`;
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
