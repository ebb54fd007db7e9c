import { ProtocolError, RequestParser } from '@wsgi/simple-server/parser';
import type { SeenRequest } from './seen.ts';

export interface OurView {
  readonly requests: SeenRequest[];
  readonly error: ProtocolError | null;
}

/**
 * What our parser makes of the input, in chunks that are written over as soon as it has had to let go of them.
 *
 * @param most - how many events are asked for before the next chunk comes, but for the first. Default: all.
 */
export function parseWithOurs(chunks: readonly Buffer[], most?: number): OurView {
  const parser = new RequestParser();
  const requests: SeenRequest[] = [];
  try {
    for (const chunk of chunks) {
      const lent = Buffer.from(chunk);
      parser.feed(lent);
      readEvents(parser, requests, 1);
      parser.keep();
      lent.fill('!');
      readEvents(parser, requests, most);
    }
    readEvents(parser, requests);
  } catch (error) {
    if (error instanceof ProtocolError) return { requests, error };
    throw error;
  }
  return { requests, error: null };
}

function readEvents(
  parser: RequestParser,
  requests: SeenRequest[],
  most = Number.POSITIVE_INFINITY,
): void {
  for (let count = 0; count < most; count++) {
    const event = parser.next();
    if (event === null) return;
    const current = requests.at(-1);
    if (event.type === 'request') {
      const { method, url: target, httpVersion: version, rawHeaders } = event;
      requests.push({ method, target, version, rawHeaders, body: '', complete: false });
    } else if (current !== undefined) {
      if (event.type === 'end') current.complete = true;
      else current.body += event.data.toString('latin1');
    }
  }
}
