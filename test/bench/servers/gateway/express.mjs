import { mountGateway } from '@wsgi/express';
import express from 'express';
import { app } from '../../gateway-app.mjs';

const host = express();
host.use(mountGateway(app));
const server = host.listen(0, '127.0.0.1', () => console.log(server.address().port));
