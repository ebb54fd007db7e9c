import { extname } from 'node:path';

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.avif', 'image/avif'],
  ['.css', 'text/css; charset=utf-8'],
  ['.csv', 'text/csv; charset=utf-8'],
  ['.gif', 'image/gif'],
  ['.gz', 'application/gzip'],
  ['.htm', 'text/html; charset=utf-8'],
  ['.html', 'text/html; charset=utf-8'],
  ['.jpeg', 'image/jpeg'],
  ['.jpg', 'image/jpeg'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.json', 'application/json'],
  ['.md', 'text/markdown; charset=utf-8'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.mp3', 'audio/mpeg'],
  ['.mp4', 'video/mp4'],
  ['.pdf', 'application/pdf'],
  ['.png', 'image/png'],
  ['.svg', 'image/svg+xml'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.wasm', 'application/wasm'],
  ['.webm', 'video/webm'],
  ['.webp', 'image/webp'],
  ['.xml', 'application/xml'],
  ['.zip', 'application/zip'],
]);

/** Types that a browser may show: none of them can run a script. Everything else is saved instead. */
const SHOWN = /^(?:image\/(?:avif|gif|jpeg|png|webp)|text\/plain|audio\/|video\/)/;

/** The media type that a file name's extension stands for. */
export function mediaType(name: string): string {
  return TYPES.get(extname(name).toLowerCase()) ?? 'application/octet-stream';
}

/** How a browser should treat a file of this type: RFC 6266. Its name is the last part of the URL. */
export function disposition(type: string): 'inline' | 'attachment' {
  return SHOWN.test(type) ? 'inline' : 'attachment';
}
