// The ceiling: a socket that answers each request head it sees with the same bytes, unread.
import { createServer } from 'node:net';
import { text } from '../work.mjs';

const reply = Buffer.concat([
  Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: ${new Date().toUTCString()}\r\nContent-Length: ${text.length}\r\n\r\n`,
  ),
  text,
]);
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(reply));
  socket.on('error', () => {});
}).listen(0, '127.0.0.1', () => console.log(server.address().port));
