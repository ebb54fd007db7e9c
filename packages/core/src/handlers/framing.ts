/**
 * How a response's body is delimited, and so how much of it may be sent (RFC 9112 section 6.3).
 *
 * A Content-Length is a promise: what is past it is cut off, and what is short of it is found out. Until `begin`,
 * with the header fields unsent, nothing is known and everything is wanted.
 */
export class Framing {
  /** No body whatever the application returns: see {@link isBodyless}. */
  bodyless = false;
  /** The body goes in chunks (RFC 9112 section 7.1). */
  chunked = false;
  /** The Content-Length, or infinity where there is none. */
  promised: number = Number.POSITIVE_INFINITY;
  /** How many bytes may still be sent. */
  left: number = Number.POSITIVE_INFINITY;
  /** Whether more of the body has a use: to be sent, or to see that it ends where it should. */
  wanted = true;

  /** Takes the header fields' word for it. */
  begin(bodyless: boolean, chunked: boolean, contentLength: string | null | undefined): void {
    this.bodyless = bodyless;
    this.chunked = chunked;
    this.promised =
      contentLength === undefined || contentLength === null
        ? Number.POSITIVE_INFINITY
        : Number(contentLength);
    this.left = bodyless ? 0 : this.promised;
  }

  /** Whether the client can tell where the body ends without the connection's being closed. */
  get delimited(): boolean {
    return this.bodyless || this.chunked || this.promised !== Number.POSITIVE_INFINITY;
  }

  /** How many bytes a body that ends now is short of what was promised. */
  get missing(): number {
    return this.promised === Number.POSITIVE_INFINITY ? 0 : this.left;
  }

  /** What to report of a body that ends now. */
  get shortfall(): string {
    return `the body ended ${this.missing} bytes short of its Content-Length of ${this.promised}; the connection ends here, so that no client takes it for whole`;
  }

  /** What to report of a body that goes on past its end. */
  get surplus(): string {
    return `the body is longer than its Content-Length of ${this.promised}; what is past it was cut off`;
  }

  /** Takes it that all has been sent, where nothing was counted: by a way of the platform's own (`sendfile`). */
  trust(): void {
    if (this.left === this.promised) this.left = 0;
  }

  /** The part of a chunk that may be sent; it counts as sent. */
  admit(chunk: Uint8Array): Uint8Array {
    const part = chunk.length > this.left ? chunk.subarray(0, this.left) : chunk;
    if (part.length < chunk.length) this.wanted = false;
    this.left -= part.length;
    return part;
  }
}

/** Whether a response to this method with this status has no body (RFC 9110 sections 6.4.1 and 15.3.6). */
export function isBodyless(method: string | undefined, status: string): boolean {
  return (
    method === 'HEAD' ||
    status.startsWith('204') ||
    status.startsWith('205') ||
    status.startsWith('304')
  );
}
