import { BodyInput, type ByteSource } from '@wsgi/core/handlers';
import type { InputStream, RequestEnviron } from '@wsgi/core/types';
import type { ExpressRequest } from './express.js';

/**
 * The body of a request that middleware has read already.
 *
 * It is only ever given back byte for byte: what was parsed and written again would not be what was signed.
 */
export class ParsedBody {
  /** The bytes, where middleware has left them. */
  readonly #bytes: Uint8Array | undefined;

  private constructor(bytes: Uint8Array | undefined) {
    this.#bytes = bytes;
  }

  /** The request's parsed body, or undefined when the body is still to be read. */
  static of(request: ExpressRequest): ParsedBody | undefined {
    // Express 4's json parser leaves `{}` on a GET that it did not touch, so `body` itself proves nothing.
    if (!request.readableDidRead) return undefined;
    return new ParsedBody(bytesOf(request.rawBody, request) ?? bytesOf(request.body, request));
  }

  input(limit: number): InputStream {
    return new BodyInput(this.#bytes === undefined ? consumed : once(this.#bytes), { limit });
  }

  /** Amends an environ whose body the parser has inflated: its length is another, and its coding is gone. */
  amend(environ: RequestEnviron): void {
    const length = String(this.#bytes?.length);
    if (this.#bytes === undefined || environ.CONTENT_LENGTH === length) return;
    if (environ.CONTENT_LENGTH !== '') environ.CONTENT_LENGTH = length;
    delete environ.HTTP_CONTENT_ENCODING;
  }
}

function bytesOf(body: unknown, request: ExpressRequest): Uint8Array | undefined {
  if (body instanceof Uint8Array) return body;
  return typeof body === 'string' ? encode(body, request) : undefined;
}

/** The bytes of a decoded text, or undefined where they cannot be known for certain. */
function encode(text: string, request: ExpressRequest): Uint8Array | undefined {
  const { headers } = request;
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1];
  const encoding = ENCODINGS.get(charset?.toLowerCase() ?? 'utf-8');
  if (encoding === undefined || text.includes('\ufffd')) return undefined;
  const bytes = Buffer.from(text, encoding);
  // Decoding drops a byte order mark; a length that differs tells.
  const sent = headers['content-encoding'] === undefined ? headers['content-length'] : undefined;
  const whole = sent === undefined || Number(sent) === bytes.length;
  return whole && bytes.toString(encoding) === text ? bytes : undefined;
}

const ENCODINGS: ReadonlyMap<string, BufferEncoding> = new Map([
  ['utf-8', 'utf8'],
  ['utf8', 'utf8'],
  ['us-ascii', 'latin1'],
  ['ascii', 'latin1'],
  ['iso-8859-1', 'latin1'],
  ['latin1', 'latin1'],
]);

function once(bytes: Uint8Array): ByteSource {
  let left: Uint8Array | null = bytes;
  return {
    pull() {
      const chunk = left;
      left = null;
      return chunk;
    },
  };
}

const consumed: ByteSource = {
  pull() {
    throw new Error(
      "the request body has been read by a parser before the gateway application: mount the application before the parser, or keep the bytes with the parser's option verify: (request, _response, bytes) => { request.rawBody = bytes; }",
    );
  },
};
