import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, missingPrograms, Program, type WebServer } from './server.ts';

/** lighttpd with mod_cgi. */
export const lighttpd: WebServer = {
  name: 'lighttpd',
  missing: missingPrograms('lighttpd', 'lighttpd'),
  limits: new Set(['own reasons']),
  async start(site) {
    const port = await freePort();
    const work = join(site.folder, 'work');
    const config = join(work, 'lighttpd.conf');
    const log = join(work, 'lighttpd.log');
    await writeFile(
      config,
      `
server.modules = ("mod_setenv", "mod_cgi")
server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${site.folder}"
server.upload-dirs = ("${work}")
server.errorlog = "${log}"
server.breakagelog = "${work}/scripts.log"
server.stream-response-body = 1
server.http-parseopts = ("url-invalid-utf8-reject" => "disable")
setenv.set-environment = ("PATH" => "${site.path}")
cgi.assign = (".mjs" => "")
`,
    );
    const program = new Program(site, 'lighttpd', ['-D', '-f', config]);
    await program.listening(port);
    return {
      port,
      log: () =>
        program.output + readFileSync(log, 'utf8') + readFileSync(`${work}/scripts.log`, 'utf8'),
      stop: () => program.stop(),
    };
  },
};
