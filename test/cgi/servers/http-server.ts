import {
  findProgram,
  freePort,
  missingPrograms,
  Program,
  sayMissing,
  succeeds,
  type WebServer,
} from './server.ts';

const NAME = "Python's http.server";

/** `python3 -m http.server --cgi`, which hands a script the connection itself. */
export const httpServer: WebServer = {
  name: NAME,
  missing: missingPrograms(NAME, 'python3') ?? missingCGI(),
  limits: new Set([
    'no abort',
    'no status',
    'no header fields',
    'no chunked request',
    'path is UTF-8',
  ]),
  async start(site) {
    const port = await freePort();
    const args = ['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--cgi'];
    const program = new Program(site, 'python3', ['-u', '-B', ...args]);
    await program.listening(port);
    return { port, log: () => program.output, stop: () => program.stop() };
  },
};

/** `--cgi` is deprecated in Python 3.13 and gone in 3.15. */
function missingCGI(): string | undefined {
  return succeeds(
    findProgram('python3') ?? 'python3',
    '-W',
    'ignore',
    '-c',
    'from http.server import CGIHTTPRequestHandler',
  )
    ? undefined
    : sayMissing(NAME, 'this python3 has no http.server --cgi any more');
}
