import { makeServer } from '@wsgi/simple-server';
import { app } from '../../gateway-app.mjs';

const { port } = await makeServer('127.0.0.1', 0, app, { log: false });
console.log(port);
