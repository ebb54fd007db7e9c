/** TCP under TLS 1.2, watched: whether the peer took its leave, which Node's TLS client does not tell. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** The type of a record that holds an alert: it stands in the clear up to TLS 1.2 (RFC 5246 section 6.2.1). */
const ALERT = 21;
const HEAD_SIZE = 5;

export class TlsWire extends Duplex {
  /**
   * Whether the last record was an alert: after a handshake that is `close_notify`, without which what came may
   * have been cut (RFC 5246 section 7.2.1).
   */
  tookLeave = false;
  readonly #socket: Socket;
  #head: number[] = [];
  #left = 0;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (data: Buffer) => {
      this.#watch(data);
      if (!this.push(data)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(data: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(data, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #watch(data: Buffer): void {
    for (let at = 0; at < data.length; ) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, data.length - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      this.#head.push(data.readUInt8(at));
      at += 1;
      if (this.#head.length < HEAD_SIZE) continue;
      const [type, , , high = 0, low = 0] = this.#head;
      this.#head = [];
      this.#left = high * 256 + low;
      this.tookLeave = type === ALERT;
    }
  }
}
