import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Candidate } from '../candidate.ts'
import { freePort } from '../processes.ts'

/** The yardstick: a proxy that only forwards, with connections kept on both sides and nothing buffered. */
export const nginx: Candidate = {
  name: 'nginx',
  warmUpSeconds: 1,
  async start({ processes, mock, workFolder }) {
    const file = ['nginx', '/usr/sbin/nginx'].find((path) => spawnSync(path, ['-v']).status === 0)
    if (file === undefined)
      return { missing: 'nginx is not installed (Debian: apt-get install nginx-light).' }
    const folder = join(workFolder, 'nginx')
    const port = await freePort()
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, mock.port))
    const program = processes.start({
      name: 'nginx',
      file,
      arguments: ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'],
      place: 'gateway',
    })
    const started = await program.waitFor(/start worker process \d+/, 5000)
    if (started === null) return { missing: `nginx does not start: ${program.lastWords()}` }
    const version = /nginx\/(\S+)/.exec(spawnSync(file, ['-v'], { encoding: 'utf8' }).stderr)?.[1] ?? ''
    return { version, port, headers: ['Authorization: Bearer bench'], program, modelName: (model) => model }
  },
}

/** Its defaults close a connection after 1,000 requests, which none of the others does. */
function configuration(folder: string, port: number, upstreamPort: number): string {
  const { uid, username } = userInfo()
  return `${uid === 0 ? `user ${username};` : ''}
pid ${folder}/nginx.pid;
worker_processes 1;
worker_rlimit_nofile 65536;
error_log stderr notice;
events { worker_connections 20000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_max_body_size 100m;
  client_body_buffer_size 64k;
  client_body_temp_path ${folder};
  proxy_temp_path ${folder};
  fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder};
  scgi_temp_path ${folder};
  upstream mock {
    server 127.0.0.1:${upstreamPort};
    keepalive 512;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=8192;
    location / {
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`
}
