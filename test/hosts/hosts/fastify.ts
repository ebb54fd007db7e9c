import type { Socket } from 'node:net';
import { fastifyGateway } from '@wsgi/fastify';
import { type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify';
import type { Host } from '../stage.ts';

/**
 * A pino destination that keeps what is logged as an error. Stacks of Fastify's own entries are indented, so that only
 * what reached `wsgi.errors` stands at the beginning of a line.
 */
class ErrorLog {
  text = '';
  write(line: string): void {
    const entry = JSON.parse(line) as {
      level: number;
      msg?: string;
      err?: { stack?: string };
    };
    if (entry.level >= 50)
      this.text += `${entry.msg ?? ''}\n${entry.err?.stack?.replace(/^/gm, '  ') ?? ''}\n`;
  }
}

/**
 * Fastify's router answers 400 to a path with malformed escapes, or ones that are no UTF-8, before any route or plugin
 * sees the request. This is how a server lets them through.
 */
function admitAnyPath({ url = '/' }: { url?: string | undefined }): string {
  const [path = '', ...query] = url.split('?');
  try {
    decodeURI(path);
    return url;
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?');
  }
}

/**
 * Fastify's own handler writes its 400 to a client that breaks off within its request even into an answer that has
 * begun. Node's does not, nor does this.
 */
function refuseClient(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.writable && socket.bytesWritten === 0) {
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Too Large' : '400 Bad Request';
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  }
  socket.destroy(error);
}

/**
 * Both kinds of server have the same methods, and typings of their own. Without a limit for idle sessions: Node leaves
 * its timer running when a session is destroyed, which holds each test's server in memory for 72 s.
 */
const create = (http2: boolean, options: FastifyServerOptions): FastifyInstance =>
  fastify(
    http2 ? ({ ...options, http2, http2SessionTimeout: 0 } as FastifyServerOptions) : options,
  );

const fastifyHost = (name: string, http2: boolean): Host => ({
  name,
  protocols: http2 ? ['HTTP/2.0'] : ['HTTP/1.1', 'HTTP/1.0'],
  showsMessages: true,
  async serve(app, { scriptName = '', environ, maxBodySize }) {
    const log = new ErrorLog();
    const handed: unknown[] = [];
    const root = create(http2, {
      logger: { level: 'error', stream: log },
      forceCloseConnections: true,
      rewriteUrl: admitAnyPath,
      clientErrorHandler: refuseClient,
    });
    root.addHook('onError', async (_request, _reply, error) => {
      handed.push(error);
    });
    const segments = scriptName.split('/').slice(1);
    const last = segments.pop();
    const register = async (scope: FastifyInstance, depth: number): Promise<void> => {
      const segment = segments[depth];
      if (segment !== undefined) {
        await scope.register((inner) => register(inner, depth + 1), {
          prefix: `/${segment}`,
        });
        return;
      }
      await scope.register(fastifyGateway, {
        app,
        ...(last !== undefined && { prefix: `/${last}` }),
        ...(environ !== undefined && { environ }),
        ...(maxBodySize !== undefined && { maxBodySize }),
      });
    };
    await register(root, 0);
    const sockets = new Set<{ destroy(): void }>();
    root.server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await root.listen({ host: '127.0.0.1', port: 0 });
    const address = root.server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    return {
      port: address.port,
      secure: false,
      protocol: http2 ? 'http2' : 'http1',
      target: `${scriptName}/`,
      reported: () => log.text,
      handed,
      async close() {
        for (const socket of sockets) socket.destroy();
        await root.close();
      },
    };
  },
});

export const fastifyFive: Host = fastifyHost('Fastify 5', false);
export const fastifyFiveHttp2: Host = fastifyHost('Fastify 5 over HTTP/2', true);
