/** `node dist/main.js [express | fastify] [port]` */
import 'reflect-metadata';
import { onExpress, onFastify } from './platforms.js';

const platforms: ReadonlyMap<string, typeof onExpress> = new Map([
  ['express', onExpress],
  ['fastify', onFastify],
]);
const [platform = 'express', port = '3000'] = process.argv.slice(2);
const make = platforms.get(platform);
if (make === undefined || !/^\d{1,5}$/.test(port)) {
  console.error(`usage: main.js [express | fastify] [port], not '${platform} ${port}'`);
  process.exit(1);
}
const nest = await make();
nest.enableShutdownHooks();
await nest.listen(Number(port), '127.0.0.1');
console.log(`Nest on ${platform}: ${await nest.getUrl()}/notes`);
