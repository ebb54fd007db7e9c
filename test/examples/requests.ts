import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

/** Sends a request whose path goes out as it is written: fetch would take `..` out of it. */
export async function send(
  method: string,
  url: string,
  options: { headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<Answer> {
  const { origin } = new URL(url);
  const sent = request(origin, {
    method,
    path: url.slice(origin.length) || '/',
    headers: options.headers,
    agent: false,
  });
  sent.end(options.body);
  const [response] = await once(sent, 'response');
  const body = await buffer(response);
  return { status: response.statusCode, headers: response.headers, body, text: body.toString() };
}

/** Said aloud, and once: what wants curl is skipped without it. */
export const hasCurl: boolean = spawnSync('curl', ['--version']).error === undefined;
if (!hasCurl) console.warn('CURL IS NOT TESTED: it is not installed (apt-get install curl)');

/** Runs curl, and gives what it printed. */
export async function curl(...args: string[]): Promise<Buffer> {
  const process = spawn('curl', ['-sS', '--fail', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, complaint, [code]] = await Promise.all([
    buffer(process.stdout),
    buffer(process.stderr),
    once(process, 'exit'),
  ]);
  if (code !== 0) throw new Error(`curl ${args.join(' ')} ended with ${code}: ${complaint}`);
  return out;
}

/** A client of `GET /events` that keeps what it hears. */
export class Listener {
  heard = '';
  readonly #stop: AbortController;
  /** Resolves when the stream is over, whoever ended it. */
  readonly over: Promise<void>;

  private constructor(response: Response, stop: AbortController) {
    this.#stop = stop;
    this.over = this.#listen(response);
  }

  static async connect(url: string): Promise<Listener> {
    const stop = new AbortController();
    const response = await fetch(url, { signal: stop.signal });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return new Listener(response, stop);
  }

  /** The changes heard, each as `type name`. */
  get changes(): string[] {
    return [...this.heard.matchAll(/^event: change\ndata: (.+)\n\n/gm)].map(([, data = '']) => {
      const { type, file } = JSON.parse(data);
      return `${type} ${file.name}`;
    });
  }

  leave(): Promise<void> {
    this.#stop.abort();
    return this.over;
  }

  async #listen(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        this.heard += decoder.decode(chunk, { stream: true });
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }
}
