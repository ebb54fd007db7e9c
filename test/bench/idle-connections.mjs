// What idle kept connections cost the reference server: each is opened, answered once, and left alone.
//   node test/bench/idle-connections.mjs [connections]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { makeServer } from '@wsgi/simple-server';
import { memoryOf, own } from './processes.mjs';

const most = 20;
const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

if (process.send !== undefined) await serve();
else if (/^[1-9]\d*$/.test(process.argv[2] ?? '5000') && process.argv.length <= 3) {
  await measure(Number(process.argv[2] ?? 5000));
} else {
  const given = process.argv.slice(2).join(' ');
  console.error(`usage: node test/bench/idle-connections.mjs [connections], not '${given}'`);
  process.exit(1);
}

async function serve() {
  const application = (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [Buffer.from('Hello, world!')];
  };
  const options = { log: false, keepAliveTimeout: 600_000 };
  const { port } = await makeServer('127.0.0.1', 0, application, options);
  process.send(port);
}

async function measure(count) {
  const server = own(fork(import.meta.filename));
  const [port] = await once(server, 'message');
  const open = async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(request);
    await once(socket, 'data');
    return socket;
  };
  // What the first requests cost once is not counted.
  for (let left = 500; left > 0; left--) (await open()).destroy();
  const before = memoryOf(server.pid);
  const sockets = [];
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, open))));
  }
  const after = memoryOf(server.pid);
  server.kill('SIGKILL');
  if (before === undefined || after === undefined) throw new Error('memory is read from /proc');
  const each = ((after.now - before.now) * 1024) / sockets.length;
  const verdict = each < most ? 'within' : 'over';
  console.log(
    `${sockets.length} idle connections: ${each.toFixed(1)} KiB each, ${verdict} the ${most} KiB wanted`,
  );
  process.exit(each < most ? 0 : 1);
}
