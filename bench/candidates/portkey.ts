import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Candidate, TestBed } from '../candidate.ts'
import { freePort } from '../processes.ts'

const version = '1.15.2'

/** With the versions npm would resolve today every stream is answered 500 ("TypeError: immutable"). */
const manifest = JSON.stringify({
  private: true,
  dependencies: { '@portkey-ai/gateway': version },
  overrides: { '@hono/node-server': '1.14.1', hono: '4.9.7' },
})

/** The peer, on the same Node as ours. It routes and retries, but knows no keys, limits or ledger. */
export const portkey: Candidate = {
  name: 'portkey',
  warmUpSeconds: 30,
  async start(bed) {
    const { processes, mock, workFolder } = bed
    const folder = join(workFolder, 'portkey')
    const server = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
    const fault = install(folder, server, bed)
    if (fault !== null) return { missing: fault }
    const port = await freePort()
    const program = processes.start({
      name: 'portkey',
      file: process.execPath,
      arguments: [server, `--port=${port}`, '--headless'],
      place: 'gateway',
      environment: { NODE_ENV: 'production' },
    })
    if (!(await answersAt(port))) return { missing: `Portkey does not start: ${program.lastWords()}` }
    const headers = [
      'Authorization: Bearer bench',
      'x-portkey-provider: openai',
      `x-portkey-custom-host: http://127.0.0.1:${mock.port}/v1`,
    ]
    return { version, port, headers, program, modelName: (model) => model }
  },
}

function install(folder: string, server: string, { say }: TestBed): string | null {
  const file = join(folder, 'package.json')
  if (existsSync(server) && readFileSync(file, 'utf8') === manifest) return null
  say('installing Portkey, once')
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, manifest)
  const { status, stderr } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    encoding: 'utf8',
  })
  return status === 0 ? null : `Portkey cannot be installed: ${stderr.slice(-300)}`
}

async function answersAt(port: number): Promise<boolean> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => null)
    if (answer !== null) return true
    await sleep(50)
  }
  return false
}
