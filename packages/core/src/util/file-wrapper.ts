import { readFileSync, readSync } from 'node:fs';
import { types } from 'node:util';
import { show } from '../show.js';
import type { FileHandleLike, FileLike, ReadableFile } from '../types.js';

/**
 * A file as a response's body: what `environ['wsgi.file_wrapper']` is.
 *
 * The file is sent from its current position to its end. Node's `FileHandle` will do, and any object with
 * `read(size)` that gives bytes, a promise of bytes, or at its end an empty chunk or `null`.
 *
 * Source: wsgiref.util.FileWrapper; PEP 3333, "Optional Platform-Specific File Handling".
 *
 * @example
 * ```ts
 * startResponse('200 OK', [['Content-Type', 'image/png']]);
 * return new environ['wsgi.file_wrapper'](await open('logo.png'));
 * ```
 */
export class FileWrapper implements Iterable<Uint8Array>, AsyncIterable<Uint8Array> {
  readonly filelike: FileLike;
  readonly blksize: number;
  /** Closes the file; there only when the file has a `close` of its own. */
  // Only declared: as a field it would be there, undefined, on every wrapper.
  declare readonly close?: () => void | Promise<void>;

  /**
   * @param filelike - the file.
   * @param blksize - how many bytes to ask of it at a time; 8192 when left out.
   * @throws TypeError when `filelike` has no `read` or is a stream, or `blksize` is no positive integer.
   */
  constructor(filelike: ReadableFile, blksize?: number);
  constructor(filelike: FileLike, blksize?: number);
  constructor(filelike: FileLike, blksize = 8192) {
    if (typeof filelike?.read !== 'function') {
      throw new TypeError(
        `FileWrapper wants a FileHandle or an object with a method read(size), not ${show(filelike)}.`,
      );
    }
    if ('pipe' in filelike) {
      // Its read() gives null when nothing has arrived yet, which would pass for the end of a file.
      throw new TypeError(
        'FileWrapper was given a stream, which is no file. Return the stream itself as the body.',
      );
    }
    if (!Number.isSafeInteger(blksize) || blksize < 1) {
      throw new TypeError(
        `FileWrapper's blksize must be a positive integer, not ${show(blksize)}.`,
      );
    }
    this.filelike = filelike;
    this.blksize = blksize;
    if (typeof filelike.close === 'function') this.close = () => filelike.close?.();
  }

  /**
   * How many bytes are left to send, for Content-Length; `undefined` when that cannot be known.
   *
   * A file-like object says it with a number `size`. Of a FileHandle it is known when it is a regular file
   * on a system that tells the current position (Linux).
   */
  size(): number | undefined | Promise<number | undefined> {
    const { filelike } = this;
    return isFileHandle(filelike) ? bytesLeft(filelike) : statedSize(filelike.size);
  }

  /** The file block by block, without waiting. A TypeError when the file answers with promises. */
  *[Symbol.iterator](): Generator<Uint8Array, void, void> {
    const { filelike, blksize } = this;
    for (;;) {
      const block = isFileHandle(filelike)
        ? readHandleSync(filelike, blksize)
        : checkBlock(filelike.read(blksize));
      if (block === null) return;
      yield block;
    }
  }

  /** The file block by block. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const { filelike, blksize } = this;
    const { prototype } = FileWrapper;
    if (
      this[Symbol.iterator] !== prototype[Symbol.iterator] &&
      this[Symbol.asyncIterator] === prototype[Symbol.asyncIterator]
    ) {
      // A subclass with a synchronous iteration of its own has the same blocks in the asynchronous one. A subclass that
      // overrides both may call this one for the file's own blocks.
      yield* this[Symbol.iterator]();
      return;
    }
    for (;;) {
      const block = isFileHandle(filelike)
        ? await readHandle(filelike, blksize)
        : checkBlock(await filelike.read(blksize));
      if (block === null) return;
      yield block;
    }
  }

  /** The file block by block, waiting only where the file does. This is how the handlers send it. */
  steps(): {
    next(): IteratorResult<Uint8Array, undefined> | Promise<IteratorResult<Uint8Array, undefined>>;
  } {
    const { filelike, blksize } = this;
    return {
      next: () => {
        const block = isFileHandle(filelike)
          ? readHandle(filelike, blksize)
          : filelike.read(blksize);
        // Anything else may be a promise, native or not.
        const isKnown = block === null || block === undefined || types.isUint8Array(block);
        return isKnown ? toStep(block) : Promise.resolve(block).then(toStep);
      },
    };
  }
}

function toStep(block: unknown): IteratorResult<Uint8Array, undefined> {
  const value = checkBlock(block);
  return value === null ? { done: true, value: undefined } : { done: false, value };
}

/** Whether a body is a file as it stands, and not of a class that makes other blocks of it. */
export function isWholeFile(body: unknown): body is FileWrapper {
  const { prototype } = FileWrapper;
  return (
    body instanceof FileWrapper &&
    body[Symbol.iterator] === prototype[Symbol.iterator] &&
    body[Symbol.asyncIterator] === prototype[Symbol.asyncIterator]
  );
}

/** Whether a file is one of Node's, and not a file-like object. */
export function isFileHandle(filelike: FileLike): filelike is FileHandleLike {
  return 'fd' in filelike && typeof filelike.fd === 'number' && 'stat' in filelike;
}

/** A block that is not empty, or `null` at the end. */
function checkBlock(block: unknown): Uint8Array | null {
  if (block === null || block === undefined) return null;
  if (types.isUint8Array(block)) return block.length === 0 ? null : block;
  if (types.isPromise(block)) {
    // Nobody will ask for its outcome: without this a failed read would end the process.
    block.catch(() => {});
    throw new TypeError(
      "This file's read() returned a promise; iterate its FileWrapper with `for await`.",
    );
  }
  throw new TypeError(`A file's read() must give a Uint8Array or null, not ${show(block)}.`);
}

// A block belongs to whoever asked for it, who may still be sending it while the next is read: each is new.
async function readHandle(handle: FileHandleLike, size: number): Promise<Uint8Array | null> {
  const block = Buffer.allocUnsafe(size);
  const { bytesRead } = await handle.read(block, 0, size, null);
  return bytesRead === 0 ? null : block.subarray(0, bytesRead);
}

function readHandleSync(handle: FileHandleLike, size: number): Uint8Array | null {
  const block = Buffer.allocUnsafe(size);
  const bytesRead = readSync(handle.fd, block, 0, size, null);
  return bytesRead === 0 ? null : block.subarray(0, bytesRead);
}

function statedSize(size: unknown): number | undefined {
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

async function bytesLeft(handle: FileHandleLike): Promise<number | undefined> {
  try {
    const stat = await handle.stat();
    const position = stat.isFile() ? currentPosition(handle.fd) : undefined;
    if (position === undefined) return undefined;
    if (stat.size > position) return stat.size - position;
    // Files of /proc say that they are empty and are not: at the end it takes a read to know. It leaves the
    // position where it is.
    const { bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, position);
    return bytesRead === 0 ? 0 : undefined;
  } catch {
    // What is wrong with the file shows when it is read, where somebody waits for it.
    return undefined;
  }
}

/** Where the next read begins. Node has no name for lseek(2), but Linux tells (proc(5)), from memory. */
function currentPosition(fd: number): number | undefined {
  try {
    const pos = /^pos:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    return pos === undefined ? undefined : Number(pos);
  } catch {
    return undefined;
  }
}
