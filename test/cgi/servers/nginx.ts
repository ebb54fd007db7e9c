import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, missingPrograms, Program, type WebServer } from './server.ts';

/** nginx has no CGI of its own: it speaks FastCGI with fcgiwrap, which starts the scripts. */
export const nginx: WebServer = {
  name: 'nginx with fcgiwrap',
  missing: missingPrograms('nginx with fcgiwrap', 'nginx', 'fcgiwrap'),
  limits: new Set(['no abort']),
  async start(site) {
    const port = await freePort();
    const work = join(site.folder, 'work');
    const config = join(work, 'nginx.conf');
    const log = join(work, 'nginx.log');
    const socket = join(work, 'fcgiwrap.sock');
    const temps = ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'];
    await writeFile(
      config,
      `
daemon off;
worker_processes 1;
pid "${work}/nginx.pid";
error_log "${log}";
events {}
http {
  access_log off;
  ${temps.map((name) => `${name}_temp_path "${work}/${name}";`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    merge_slashes off;
    location /cgi-bin/ {
      fastcgi_split_path_info ^(/cgi-bin/[^/]+)(/.*)?$;
      fastcgi_param SCRIPT_FILENAME "${site.folder}$fastcgi_script_name";
      fastcgi_param SCRIPT_NAME $fastcgi_script_name;
      fastcgi_param PATH_INFO $fastcgi_path_info;
      fastcgi_param PATH "${site.path}";
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param SERVER_PROTOCOL $server_protocol;
      fastcgi_param SERVER_SOFTWARE nginx/$nginx_version;
      fastcgi_param SERVER_NAME $server_addr;
      fastcgi_param SERVER_PORT $server_port;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param REMOTE_PORT $remote_port;
      fastcgi_param GATEWAY_INTERFACE CGI/1.1;
      # fcgiwrap, too, would hold back what a script sends bit by bit.
      fastcgi_param NO_BUFFERING 1;
      fastcgi_buffering off;
      fastcgi_pass "unix:${socket}";
    }
  }
}
`,
    );
    const wrapper = new Program(site, 'fcgiwrap', ['-c', '4', '-s', `unix:${socket}`]);
    await wrapper.listening(socket);
    const program = new Program(site, 'nginx', ['-e', log, '-c', config, '-p', work]);
    await program.listening(port);
    return {
      port,
      log: () => wrapper.output + program.output + readFileSync(log, 'utf8'),
      stop: async () => {
        await program.stop();
        await wrapper.stop();
      },
    };
  },
};
