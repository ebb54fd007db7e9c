/** CommonJS in TypeScript: under NodeNext the compiler lets `require()` take ES modules, as Node does. */
import core = require('@wsgi/core');
import http = require('@wsgi/http');

const app: core.Application = (_environ, startResponse) => {
  startResponse('204 No Content', []);
  return [];
};
const listener: http.GatewayListener = http.mountGateway(app);
console.log(typeof listener);
