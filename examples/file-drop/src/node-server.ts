import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that listens. */
export interface Running {
  port: number;
  /**
   * Accepts no more, lets the requests under way finish, and resolves when the last connection is closed.
   *
   * @param grace - milliseconds after which requests are cut off.
   */
  stop(grace: number): Promise<void>;
}

/** How often to look for connections that have become idle while a server stops, in milliseconds. */
const LOOK = 50;

/** Lets a node:http server serve. Rejects with the system's error when the port cannot be had. */
export function serve(listener: RequestListener, host: string, port: number): Promise<Running> {
  const server = createServer(listener);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(runningOf(server)));
  });
}

/** A server of node:http that listens already. */
export function runningOf(server: Server): Running {
  // Node gives a request five minutes; a large upload over a slow line takes longer.
  server.requestTimeout = 0;
  return {
    port: (server.address() as AddressInfo).port,
    async stop(grace) {
      const closed = new Promise((resolve) => server.close(resolve));
      // A connection whose last response ends only now would be kept alive for another request.
      const look = setInterval(() => server.closeIdleConnections(), LOOK);
      const deadline = setTimeout(() => server.closeAllConnections(), grace);
      await closed;
      clearInterval(look);
      clearTimeout(deadline);
    },
  };
}
