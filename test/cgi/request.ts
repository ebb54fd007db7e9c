/** Requests as these tests need them: the path byte for byte, and the response as it comes. */
import { once } from 'node:events';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { Readable } from 'node:stream';

export interface Wanted {
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer | Readable;
}

/** Begins a request, and gives the response once its header fields are there. */
export async function begin(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Wanted = {},
): Promise<IncomingMessage> {
  const options: RequestOptions = { host: '127.0.0.1', port, path, method, headers, agent: false };
  const sent = request(options);
  const response = once(sent, 'response');
  // A server may answer, and close, before it has taken the whole body in.
  sent.on('error', () => {});
  if (body instanceof Readable) body.pipe(sent);
  else sent.end(body);
  const [message]: [IncomingMessage] = (await response) as [IncomingMessage];
  return message;
}

export interface Got {
  status: number | undefined;
  reason: string | undefined;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** One request, and its whole response. Rejects when the response breaks off. */
export async function get(port: number, path: string, wanted?: Wanted): Promise<Got> {
  const response = await begin(port, path, wanted);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode,
    reason: response.statusMessage,
    headers: response.headers,
    body: Buffer.concat(chunks),
  };
}

/** The next piece of a response that has begun. */
export async function nextChunk(response: IncomingMessage): Promise<string> {
  const data = once(response, 'data');
  response.resume();
  const [chunk] = await data;
  response.pause();
  return String(chunk);
}
