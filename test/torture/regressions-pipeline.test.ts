/** What a response that fails may cost a client of HTTP/1 that pipelines: itself, and those behind it. */
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { ClientResponse } from '../hosts/client/index.ts';
import { Recorder } from '../hosts/client/recorder.ts';
import { ResponseParser } from '../hosts/client/response-parser.ts';
import { dial } from './dial.ts';
import { cutsAhead, playedHosts } from './hosts.ts';

/** More than what a client that does not read is sent, and less than what the system holds for it. */
const SIZE = 512 * 1024;

/** Takes responses slowly, until the connection ends. */
async function receive(socket: Socket, count: number): Promise<ClientResponse[]> {
  const recorders = Array.from({ length: count }, () => new Recorder());
  let answered = 0;
  const current = (): Recorder => {
    const recorder = recorders[answered];
    if (recorder === undefined) throw new Error('bytes after the last response');
    return recorder;
  };
  const parser = new ResponseParser({
    isHead: () => false,
    onInformational: () => {},
    onHead: (head) => current().onHead(head),
    onData: (chunk) => current().onData(chunk),
    onEnd: (complete) => {
      current().onEnd(complete);
      answered += 1;
    },
  });
  socket.on('data', (chunk: Buffer) => {
    parser.feed(chunk);
    socket.pause();
    setImmediate(() => socket.resume());
  });
  socket.resume();
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  for (const recorder of recorders) recorder.onEnd(false);
  return Promise.all(recorders.map(({ response }) => response));
}

const hosts = playedHosts.filter(
  (host) => !/http2|HTTP\/2/.test(host.name) && !cutsAhead.has(host),
);

describe.each(hosts)('$name', (host) => {
  it('a response that fails costs a client that pipelines no whole answer before it', async () => {
    let fail = (): void => {};
    const failed = new Promise<void>((resolve) => {
      fail = resolve;
    });
    const socket = await dial(host, async function* (environ, startResponse) {
      startResponse('200 OK', [['Content-Length', String(SIZE)]]);
      if (environ.QUERY_STRING === 'whole') {
        yield Buffer.alloc(SIZE);
        return;
      }
      yield Buffer.from('a part');
      fail();
      throw new Error('planned');
    });
    socket.pause();
    socket.write('GET /?whole HTTP/1.1\r\nHost: a\r\n\r\n');
    // More of a body than anybody takes in ahead.
    socket.write('PUT /?fails HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n');
    socket.write(Buffer.alloc(1_000_000));
    await failed;
    const [whole, cut] = await receive(socket, 2);
    expect(whole?.complete).toBe(true);
    expect(whole?.body.length).toBe(SIZE);
    expect(cut?.complete).toBe(false);
  });
});
