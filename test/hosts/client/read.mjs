// Run by reader.ts: asks for one response, and reads it until it ends, 1 GiB has come, or it is told to go.
import { connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';

const { protocol, secure, port, target } = JSON.parse(process.argv[2]);
const host = '127.0.0.1';
let left = 1024 ** 3;

function take(length) {
  left -= length;
  if (left <= 0) process.exit();
  return true;
}

if (protocol === 'http2') {
  const session = connectHttp2(`${secure ? 'https' : 'http'}://${host}:${port}`, {
    rejectUnauthorized: false,
  });
  const stream = session.request({ ':path': target });
  stream.on('data', (chunk) => take(chunk.length));
  // A connection that just breaks is not always noticed by Node 20: over TLS it loses the error of a write, and with it
  // the session reads no more (nodejs/node issue 55804).
  process.on('SIGTERM', () => {
    stream.close(constants.NGHTTP2_CANCEL);
    session.close(() => process.exit());
  });
} else {
  const request = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const options = { host, port, rejectUnauthorized: false };
  const onread = { buffer: Buffer.alloc(256 * 1024), callback: take };
  if (secure)
    connectTls(options)
      .on('data', (chunk) => take(chunk.length))
      .write(request);
  else connectTcp({ ...options, onread }).write(request);
}
