import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, missingPrograms, Program, type WebServer } from './server.ts';

const MODULES = '/usr/lib/apache2/modules';

/** Apache httpd with mod_cgid, which starts scripts from a process of its own. */
export const apache: WebServer = {
  name: 'Apache httpd',
  missing: missingPrograms('Apache httpd', 'apache2'),
  limits: new Set(['no abort']),
  async start(site) {
    const port = await freePort();
    const work = join(site.folder, 'work');
    const config = join(work, 'apache.conf');
    const log = join(work, 'apache.log');
    await writeFile(
      config,
      `
ServerRoot "${work}"
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile "${work}/apache.pid"
ErrorLog "${log}"
LoadModule mpm_event_module ${MODULES}/mod_mpm_event.so
LoadModule authz_core_module ${MODULES}/mod_authz_core.so
LoadModule alias_module ${MODULES}/mod_alias.so
LoadModule env_module ${MODULES}/mod_env.so
LoadModule cgid_module ${MODULES}/mod_cgid.so
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 16
ServerLimit 2
ScriptSock "${work}/cgid.sock"
# Else Apache drops a script's Content-Length since 2.4.59, and a short body looks whole.
SetEnv ap_trust_cgilike_cl yes
ScriptAlias "/cgi-bin/" "${site.folder}/cgi-bin/"
<Directory "${site.folder}/cgi-bin">
  Require all granted
</Directory>
`,
    );
    const program = new Program(site, 'apache2', ['-DFOREGROUND', '-f', config]);
    await program.listening(port);
    return {
      port,
      log: () => program.output + readFileSync(log, 'utf8'),
      stop: () => program.stop(),
    };
  },
};
