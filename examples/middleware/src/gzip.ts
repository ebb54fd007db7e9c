import { type Application, Headers } from '@wsgi/core';
import { change, whenReady } from './body.js';
import { GzipMember } from './gzip-member.js';

/** Compresses text for clients that take gzip, chunk by chunk: what the application has said is sent at once. */
export function gzip(app: Application): Application {
  return (environ, startResponse) => {
    const accepted = takesGzip(environ.HTTP_ACCEPT_ENCODING ?? '');
    let member: GzipMember | undefined;
    const result = app(environ, (status, pairs, excInfo) => {
      const headers = new Headers([...pairs]);
      // A 304 has the fields of the 200 that it stands for (RFC 9110 section 15.4.5), but mostly not its type.
      const isNotModified = status.startsWith('304');
      const type = headers.get('Content-Type') ?? (isNotModified ? 'text/' : '');
      const isText = /^text\/|[/+](?:json|xml|javascript)\b/i.test(type);
      member = undefined;
      if (isText && /^(?:200|304)/.test(status) && !headers.has('Content-Encoding')) {
        headers.addHeader('Vary', 'Accept-Encoding');
        if (accepted) {
          if (!isNotModified) {
            member = new GzipMember();
            headers.set('Content-Encoding', 'gzip');
          }
          headers.delete('Content-Length');
          // The bytes are others now, and only their meaning is the same (RFC 9110 section 8.8.1).
          const etag = headers.get('ETag');
          if (etag?.startsWith('"')) headers.set('ETag', `W/${etag}`);
        }
      }
      const write = startResponse(status, headers.items(), excInfo);
      return (data) => write(member?.chunk(data) ?? data);
    });
    // Whether to compress is known when the first chunk comes: a generator calls startResponse only then.
    const chunk = (data: Uint8Array) => member?.chunk(data) ?? data;
    return whenReady(result, (body) => change(body, { chunk, end: () => member?.end() }));
  };
}

/** Whether Accept-Encoding names gzip, with a weight that is not 0 (RFC 9110 section 12.5.3). */
function takesGzip(field: string): boolean {
  const items = field.toLowerCase().replaceAll(/\s/g, '').split(',');
  return items.some((item) => /^gzip(?:;|$)/.test(item) && !/;q=0(?:\.0*)?(?:;|$)/.test(item));
}
