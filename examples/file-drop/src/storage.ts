import { randomUUID } from 'node:crypto';
import { type BigIntStats, constants, existsSync, readdirSync, rmSync } from 'node:fs';
import {
  type FileHandle,
  lstat,
  open,
  readdir,
  rename,
  rm,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

/** What is told of a file. */
export interface FileInfo {
  name: string;
  /** In bytes. */
  size: number;
  /** When it was stored, in ISO 8601. */
  modified: string;
  /** Names this version of the content: a strong validator (RFC 9110 section 8.8.3). */
  etag: string;
}

/** Is told what a change would replace or remove, `undefined` for nothing, and throws when it is not to be. */
export type Check = (current: FileInfo | undefined) => void;

/** Unfinished uploads begin with a dot, as no file name may: so they are never listed, read or overwritten. */
const UNFINISHED = `.upload-${process.pid}-`;

/** Removes what uploads to a folder leave when the process ends in the midst of them. For its `exit` event. */
export function removeUnfinished(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(UNFINISHED)) rmSync(join(folder, name), { force: true });
  }
}

/**
 * The files of one flat folder.
 *
 * A file appears whole or not at all: an upload is written beside its place and then renamed into it. A reader
 * keeps the version that it opened, even while that is replaced or removed.
 *
 * Names must have passed `checkName`.
 */
export class Storage {
  readonly #folder: string;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param folder - an existing folder; its path. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All files, by name. */
  async list(): Promise<FileInfo[]> {
    const names = (await readdir(this.#folder)).filter((name) => !name.startsWith('.')).sort();
    const infos = await Promise.all(
      names.map(async (name) => infoOf(name, await this.#stat(name))),
    );
    return infos.filter((info) => info !== undefined);
  }

  /** Opens a file for reading, for the caller to close. `undefined` when there is none. */
  async open(name: string): Promise<{ handle: FileHandle; info: FileInfo } | undefined> {
    if ((await this.#stat(name)) === undefined) return undefined;
    const handle = await open(this.#path(name), constants.O_RDONLY | constants.O_NOFOLLOW).catch(
      undefinedIfMissing,
    );
    if (handle === undefined) return undefined;
    const info = infoOf(name, await handle.stat({ bigint: true }));
    return { handle, info };
  }

  /**
   * Stores a file, in place of any that has its name.
   *
   * Takes a chunk only when the one before is written: a slow disk slows the sender. When `chunks` throws, as
   * it does when the client goes away, nothing is left behind.
   *
   * @param check - is asked before the first chunk is, and again when the file is to take its place.
   */
  async save(
    name: string,
    chunks: AsyncIterable<Uint8Array>,
    check: Check = () => {},
  ): Promise<{ info: FileInfo; created: boolean }> {
    check(infoOf(name, await this.#stat(name)));
    const unfinished = join(this.#folder, UNFINISHED + randomUUID());
    try {
      const handle = await open(unfinished, 'wx');
      let stats: BigIntStats;
      try {
        await writeFile(handle, chunks);
        stats = await handle.stat({ bigint: true });
      } finally {
        await handle.close();
      }
      return await this.#inTurn(async () => {
        const current = infoOf(name, await this.#stat(name));
        check(current);
        await rename(unfinished, this.#path(name));
        return { info: infoOf(name, stats), created: current === undefined };
      });
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  /** Removes a file; `false` when there was none. */
  remove(name: string, check: Check = () => {}): Promise<boolean> {
    return this.#inTurn(async () => {
      const current = infoOf(name, await this.#stat(name));
      if (current === undefined) return false;
      check(current);
      const removed = await unlink(this.#path(name)).then(() => true, undefinedIfMissing);
      return removed ?? false;
    });
  }

  /** One change at a time: what one has found in a file's place is still there when it acts on that. */
  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(change);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** `undefined` for what is not there, and for what is no plain file: a link could lead out of the folder. */
  async #stat(name: string): Promise<BigIntStats | undefined> {
    const stats = await lstat(this.#path(name), { bigint: true }).catch(undefinedIfMissing);
    return stats?.isFile() ? stats : undefined;
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function infoOf(name: string, stats: BigIntStats): FileInfo;
function infoOf(name: string, stats: BigIntStats | undefined): FileInfo | undefined;
function infoOf(name: string, stats: BigIntStats | undefined): FileInfo | undefined {
  if (stats === undefined) return undefined;
  return {
    name,
    size: Number(stats.size),
    modified: stats.mtime.toISOString(),
    // A stored file is never written to again, so its inode and time name its content.
    etag: `"${stats.ino.toString(36)}-${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}"`,
  };
}

/** Another request may remove a file at any moment: that it is missing is an answer, not an error. */
function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ELOOP') throw error;
}
