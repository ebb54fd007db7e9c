import { constants, crc32, deflateRawSync } from 'node:zlib';

/** A gzip member (RFC 1952) made in steps. Each chunk is deflated by itself and ends at a byte, so it can be sent. */
export class GzipMember {
  #head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  #crc = 0;
  #size = 0;

  chunk(data: Uint8Array): Uint8Array {
    if (data.length === 0) return data;
    this.#crc = crc32(data, this.#crc);
    this.#size = (this.#size + data.length) % 2 ** 32;
    return this.#after(deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }));
  }

  end(): Uint8Array {
    const last = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    last.writeUInt32LE(this.#crc, 2);
    last.writeUInt32LE(this.#size, 6);
    return this.#after(last);
  }

  #after(bytes: Buffer): Uint8Array {
    const whole = Buffer.concat([this.#head, bytes]);
    this.#head = Buffer.alloc(0);
    return whole;
  }
}
