import { type Application, Headers } from '@wsgi/core';
import { change, whenReady } from './body.js';
import { GzipMember } from './gzip-member.js';

/** Compresses text for clients that take gzip, chunk by chunk: what the application has said is sent at once. */
export function gzip(app: Application): Application {
  return (environ, startResponse) => {
    const isAccepted = takesGzip(environ.HTTP_ACCEPT_ENCODING ?? '');
    let member: GzipMember | undefined;
    const result = app(environ, (status, pairs, excInfo) => {
      const headers = new Headers([...pairs]);
      const isText = isCompressible(status, headers);
      if (isText) headers.addHeader('Vary', 'Accept-Encoding');
      if (isText && isAccepted) announce(status, headers);
      member = isText && isAccepted && status.startsWith('200') ? new GzipMember() : undefined;
      const write = startResponse(status, headers.items(), excInfo);
      return (data) => write(member?.chunk(data) ?? data);
    });
    // Whether to compress is known when the first chunk comes: a generator calls startResponse only then.
    const chunk = (data: Uint8Array) => member?.chunk(data) ?? data;
    return whenReady(result, (body) => change(body, { chunk, end: () => member?.end() }));
  };
}

/**
 * Whether a response is text. A 304 without a type counts as text: it has the fields of the 200 that it stands for (RFC
 * 9110 section 15.4.5), but mostly not that one.
 */
function isCompressible(status: string, headers: Headers): boolean {
  if (!/^(?:200|304)/.test(status) || headers.has('Content-Encoding')) return false;
  const type = headers.get('Content-Type') ?? (status.startsWith('304') ? 'text/' : '');
  return /^text\/|[/+](?:json|xml|javascript)\b/i.test(type);
}

/** Sets what the compressed response says of itself; a 304 says it of the 200 that the client has. */
function announce(status: string, headers: Headers): void {
  if (status.startsWith('200')) headers.set('Content-Encoding', 'gzip');
  headers.delete('Content-Length');
  // The bytes are others now, and only their meaning is the same (RFC 9110 section 8.8.1).
  const etag = headers.get('ETag');
  if (etag?.startsWith('"')) headers.set('ETag', `W/${etag}`);
}

/** Whether Accept-Encoding names gzip, with a weight that is not 0 (RFC 9110 section 12.5.3). */
function takesGzip(field: string): boolean {
  const items = field.toLowerCase().replaceAll(/\s/g, '').split(',');
  return items.some((item) => /^gzip(?:;|$)/.test(item) && !/;q=0(?:\.0*)?(?:;|$)/.test(item));
}
