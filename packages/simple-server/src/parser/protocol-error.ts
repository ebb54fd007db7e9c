/**
 * A request that breaks the protocol or a limit. The server answers with `status`, closes the connection and
 * reads no more: after such an error nobody can tell where the next request begins.
 */
export class ProtocolError extends Error {
  /** The status to answer with: 400, 413, 414, 417, 431, 501 or 505 from the parser, 408 from its user. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.status = status;
  }
}

/** Text from the network, made fit to be shown in a message: short, quoted, control characters escaped. */
export function quote(text: string): string {
  const quoted = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
  // JSON leaves the second set as it is, with which a terminal can be told what to do as well.
  return quoted.replace(
    /[\u007f-\u009f]/g,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`,
  );
}
