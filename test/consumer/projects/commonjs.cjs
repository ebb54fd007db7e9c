/** A CommonJS project: every entry point of every package by `require()`, which gives what `import` gives. */
const assert = require('node:assert/strict');
const { createServer } = require('node:http');
const { mountGateway } = require('@wsgi/http');

void (async () => {
  for (const name of process.argv.slice(2)) {
    const { exports: entries } = require(`@wsgi/${name}/package.json`);
    for (const subpath of Object.keys(entries).filter((key) => key !== './package.json')) {
      const specifier = `@wsgi/${name}${subpath.slice(1)}`;
      const imported = await import(specifier);
      // Node adds `__esModule` where there is a default export, for CommonJS that was compiled from ES modules.
      const required = Object.keys(require(specifier)).filter((key) => key !== '__esModule');
      assert.deepEqual(required, Object.keys(imported), specifier);
      console.log(specifier);
    }
  }

  const server = createServer(
    mountGateway((environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.from(environ.PATH_INFO)];
    }),
  );
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const response = await fetch(`http://127.0.0.1:${server.address().port}/hello`);
  console.log(response.status, await response.text());
  server.close();
})();
