import type { ClientResponse, ResponseHead } from './types.ts';

/** Collects one response and settles the promises that an exchange offers. */
export class Recorder {
  readonly head: Promise<ResponseHead>;
  readonly response: Promise<ClientResponse>;
  readonly informational: number[] = [];
  #resolveHead: (head: ResponseHead) => void = () => {};
  #rejectHead: (error: Error) => void = () => {};
  #resolveResponse: (response: ClientResponse) => void = () => {};
  #head: ResponseHead | undefined;
  #chunks: Buffer[] = [];
  #waiting: Array<{
    text: string;
    resolve: () => void;
    reject: (error: Error) => void;
  }> = [];
  #sink: ((chunk: Uint8Array) => void) | undefined;
  ended = false;

  constructor(sink?: (chunk: Uint8Array) => void) {
    this.#sink = sink;
    this.head = new Promise((resolve, reject) => {
      this.#resolveHead = resolve;
      this.#rejectHead = reject;
    });
    this.head.catch(() => {});
    this.response = new Promise((resolve) => {
      this.#resolveResponse = resolve;
    });
  }

  onHead(head: ResponseHead): void {
    this.#head = head;
    this.#resolveHead(head);
  }

  onData(chunk: Buffer): void {
    if (this.#sink !== undefined) {
      this.#sink(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#waiting = this.#waiting.filter(({ text, resolve }) => {
      if (!Buffer.concat(this.#chunks).includes(text)) return true;
      resolve();
      return false;
    });
  }

  until(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (Buffer.concat(this.#chunks).includes(text)) resolve();
      else if (this.ended) reject(new Error(`the response ended without ${JSON.stringify(text)}`));
      else this.#waiting.push({ text, resolve, reject });
    });
  }

  onEnd(complete: boolean): void {
    if (this.ended) return;
    this.ended = true;
    if (this.#head === undefined) {
      this.#rejectHead(new Error('the connection ended before the response began'));
    }
    for (const { text, reject } of this.#waiting) {
      reject(new Error(`the response ended without ${JSON.stringify(text)}`));
    }
    const head = this.#head ?? { status: 0, reason: undefined, headers: [] };
    const body = Buffer.concat(this.#chunks);
    const all = (name: string) => head.headers.filter(([n]) => n === name).map(([, v]) => v);
    this.#resolveResponse({
      ...head,
      body,
      text: body.toString(),
      complete: complete && this.#head !== undefined,
      all,
      header(name) {
        const values = all(name);
        if (values.length > 1) throw new Error(`${name} came ${values.length} times: ${values}`);
        return values[0];
      },
    });
  }
}
