import { createServer } from 'node:http';
import { mountGateway } from '@wsgi/http';
import { app } from '../../gateway-app.mjs';

const server = createServer(mountGateway(app)).listen(0, '127.0.0.1', () =>
  console.log(server.address().port),
);
