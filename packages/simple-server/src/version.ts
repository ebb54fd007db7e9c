import { readFileSync } from 'node:fs';

const manifest: { version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);

/** This server and its version: wsgiref's `server_version`. */
export const serverVersion: string = `WSGIServer/${manifest.version}`;

/** This server and what it runs on, as sent in `Server` and SERVER_SOFTWARE: wsgiref's `software_version`. */
export const softwareVersion: string = `${serverVersion} node/${process.versions.node}`;
