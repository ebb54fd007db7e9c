import { open } from 'node:fs/promises';
import express from 'express';
import { routes } from '../node-app.mjs';
import * as work from '../work.mjs';

const app = express();
const jsonHeaders = Object.fromEntries(work.jsonHeaders);

// What `res.send` is for goes through it; streams are Express's users' own business, as in node:http.
const native = {
  '/text': (_request, response) => response.type('text/plain').send(work.text),
  '/json': (_request, response) => response.set(jsonHeaders).send(Buffer.from(work.jsonText())),
  '/array': (_request, response) => response.type('text/plain').send(work.large),
  '/file': async (_request, response, next) => {
    const file = await open(work.filePath);
    await file.close();
    response.type('text/plain').sendFile(work.filePath, { dotfiles: 'allow' }, (error) => {
      if (error && error.code !== 'ECONNABORTED' && error.code !== 'EPIPE') next(error);
    });
  },
};
const chosen = process.argv[2] === 'send' ? { ...routes, ...native } : routes;
for (const [path, handler] of Object.entries(chosen)) {
  if (path === '/middleware') continue;
  app.all(path, handler);
}
const add = (name) => (_request, response, next) => {
  response.set(name, 'yes');
  next();
};
app.get('/middleware', add('X-One'), add('X-Two'), add('X-Three'), chosen['/text']);

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
