/** Plays a generated client over HTTP/2: the requests of a pipeline are streams side by side. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClientResponse,
  connect,
  type Endpoint,
  type Exchange,
} from '../hosts/client/index.ts';
import { pattern } from './app.ts';
import { bodySize, type ClientPlan, type Experience, type RequestPlan } from './client.ts';

export async function playHttp2(
  plan: ClientPlan,
  endpoint: Endpoint,
  hung: Promise<void>,
): Promise<Experience> {
  const connection = await connect(endpoint);
  const { leaves, pipelines, reads } = plan;
  const open = new Set<Exchange>();
  let left = false;
  let sent = 0;
  let sentWhole = 0;

  const leave = (): void => {
    if (left) return;
    left = true;
    if (leaves?.how !== 'vanishes') for (const exchange of open) exchange.abort();
    // A reset stream does not answer; what came until now is what this client has seen.
    setTimeout(() => connection.close(), leaves?.how === 'vanishes' ? 0 : 10);
  };
  hung.then(leave);

  async function send(exchange: Exchange, request: RequestPlan): Promise<void> {
    let place = 0;
    const room = () => (leaves?.after === 'sent' ? leaves.bytes - sent : Number.POSITIVE_INFINITY);
    for (const size of request.framing === 'none' ? [] : request.sizes) {
      const data = pattern(place, Math.min(size, Math.max(0, room())));
      place += size;
      sent += data.length;
      if (left) return;
      // Not awaited: an application that does not read would hold this client for ever.
      exchange.send(data).catch(() => {});
      if (room() <= 0) {
        await new Promise((resolve) => setImmediate(resolve));
        leave();
        return;
      }
    }
    if (request.framing !== 'none') exchange.finish();
    sentWhole += 1;
  }

  let received = 0;
  const responses: Array<Promise<ClientResponse>> = [];
  for (const [index, request] of plan.requests.entries()) {
    if (left) break;
    const parts: Uint8Array[] = [];
    const exchange = connection.start({
      method: request.method,
      target: `/?${index}`,
      ...(request.framing !== 'none' && {
        upload: request.framing === 'length' ? bodySize(request) : 'unsized',
      }),
      sink: (chunk) => {
        parts.push(chunk);
        received += chunk.length;
        if (leaves?.after === 'received' && received >= leaves.bytes) leave();
        else if (reads === 'slowly') {
          exchange.pause();
          setImmediate(() => exchange.resume());
        }
      },
    });
    open.add(exchange);
    if (reads === 'never') exchange.pause();
    const response = exchange.response.then((answer) => {
      open.delete(exchange);
      // A session that its own client ends gives its streams an orderly end.
      const complete = answer.complete && !left;
      return { ...answer, complete, body: Buffer.concat(parts) };
    });
    responses.push(response);
    await send(exchange, request);
    if (reads === 'never') {
      await sleep(10);
      leave();
    }
    if (!pipelines) await response;
  }
  const all = await Promise.all(responses);
  while (all.length < plan.requests.length) all.push(NO_ANSWER);
  const served = left || connection.closed ? undefined : await probe();
  connection.close();
  return { responses: all, left, sentWhole, served };

  async function probe(): Promise<boolean> {
    const response = await connection.start({ target: '/?probe' }).response;
    return response.complete && response.text === 'ok';
  }
}

const NO_ANSWER: ClientResponse = {
  status: 0,
  reason: undefined,
  headers: [],
  body: Buffer.alloc(0),
  text: '',
  complete: false,
  all: () => [],
  header: () => undefined,
};
