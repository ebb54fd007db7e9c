import { type BigIntStats, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

/** Bytes that the path of a Unix socket may have: the size of `sun_path` in unix(7) and unix(4), but for its NUL. */
const LONGEST_PATHS: Partial<Record<NodeJS.Platform, number>> = {
  linux: 107,
  android: 107,
  darwin: 103,
  freebsd: 103,
  openbsd: 103,
};

/**
 * Node 20 cuts a path that is too long, and listens at another one than it was told.
 *
 * @throws RangeError that names the path and how long it may be.
 */
export function checkSocketPath(path: string): void {
  const longest = LONGEST_PATHS[process.platform] ?? Number.POSITIVE_INFINITY;
  const size = Buffer.byteLength(path);
  if (size > longest) {
    throw new RangeError(
      `${path} has ${size} bytes: the path of a Unix socket may have ${longest}`,
    );
  }
}

/**
 * Makes room for a socket where one is in the way whose server was killed: it is of no more use to anyone, and the
 * system would refuse its path for ever. One that a server listens on stays, and so does all that is no socket.
 *
 * Not to be called in the workers of a cluster: their primary process binds a socket before one of them listens on it.
 *
 * @throws Error for what is no socket, and the system's error for what may not be removed.
 */
export async function makeRoomForSocket(path: string): Promise<void> {
  // Linux knows sockets without a file, which go with their server: unix(7), "abstract".
  const found = path.startsWith('\0') ? undefined : look(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new Error(`${path} is there already and is no socket: remove it, or choose another path`);
  }
  // Another server may be quicker, and listen at this path by now: that socket is not to be removed.
  if ((await isRefused(path)) && isSame(found, look(path))) unlinkSync(path);
}

function look(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** A number of a file that is gone may be given to the next one at once, and so says too little. */
function isSame(one: BigIntStats, other: BigIntStats | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino && one.ctimeNs === other.ctimeNs;
}

/** Whether nobody listens. Any other failure to connect, such as a lack of permission, counts as somebody. */
function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', (error) => resolve('code' in error && error.code === 'ECONNREFUSED'));
  });
}
