/** `node dist/main.js [express | fastify] [port]` */
import 'reflect-metadata';
import { onExpress, onFastify } from './platforms.js';

const [platform = 'express', port = '3000'] = process.argv.slice(2);
const nest = await (platform === 'fastify' ? onFastify() : onExpress());
nest.enableShutdownHooks();
await nest.listen(Number(port), '127.0.0.1');
console.log(`Nest on ${platform}: ${await nest.getUrl()}/notes`);
