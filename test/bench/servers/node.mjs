import { createServer } from 'node:http';
import { handler } from '../node-app.mjs';

createServer(handler).listen(0, '127.0.0.1', function () {
  console.log(this.address().port);
});
