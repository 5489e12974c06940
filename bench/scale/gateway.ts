import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { z } from 'zod'
import type { Running } from '../candidate.ts'
import type { Processes, Program } from '../processes.ts'

export const workspace = 'bench'
export const slug = `${workspace}/mock-json-1`
export const masterKey = Buffer.alloc(32, 7).toString('base64')
const adminKey = 'bench-admin-key-0123456789abcdef0123456789abcdef'

/** A gateway on a folder of its own. */
export interface ScaleGateway extends Running {
  readonly name: string
  readonly program: Program
  /** From the start of the process to the line that says it listens. */
  readonly startedInMs: number
  /** An answer of the management API, and how long it took. Throws where the answer is not 200. */
  manage<T>(
    method: string,
    path: string,
    shape: z.ZodType<T>,
    body?: object,
  ): Promise<{ value: T; ms: number }>
  /** A value of `/metrics`. */
  metric(name: string): Promise<number>
}

export interface ScaleGatewayOptions {
  readonly name: string
  readonly folder: string
  readonly repository: string
  readonly mockPort: number
  readonly processes: Processes
}

export function databaseFile(folder: string): string {
  return join(folder, 'data/tollgate.db')
}

/** Starts the gateway. Throws where it does not listen within a minute. */
export async function startScaleGateway(options: ScaleGatewayOptions): Promise<ScaleGateway> {
  const { name, folder, repository, mockPort, processes } = options
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'tollgate.json')
  writeFileSync(file, JSON.stringify(configuration(mockPort), null, 2))
  const begunAt = performance.now()
  const program = processes.start({
    name,
    file: process.execPath,
    arguments: [
      ...[join(repository, 'src/main.ts'), 'serve', '--config', file],
      ...['--data', join(folder, 'data'), '--port', '0', '--log-level', 'warn'],
    ],
    place: 'gateway',
    folder,
  })
  const listening = await program.waitFor(/Tollgate is listening on (http:\/\/\S+)/, 60_000)
  const startedInMs = performance.now() - begunAt
  if (listening === null) throw new Error(`Tollgate does not start: ${program.lastWords()}`)
  const url = new URL(listening[1] ?? '')
  const headers = { authorization: `Bearer ${adminKey}`, 'x-tollgate-workspace': workspace }

  return {
    name,
    version: '',
    port: Number(url.port),
    headers: [],
    program,
    modelName: () => slug,
    startedInMs,
    async manage(method, path, shape, body) {
      const sentAt = performance.now()
      const answer = await fetch(new URL(path, url), {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      const ms = performance.now() - sentAt
      if (answer.status !== 200)
        throw new Error(`${method} ${path} answers ${answer.status}: ${text.slice(0, 300)}`)
      return { value: shape.parse(JSON.parse(text)), ms }
    },
    async metric(name) {
      const text = await (await fetch(new URL('/metrics', url), { headers })).text()
      const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]
      if (value === undefined) throw new Error(`/metrics has no ${name}`)
      return Number(value)
    },
  }
}

function configuration(mockPort: number): object {
  const production = { base_url: `http://127.0.0.1:${mockPort}/v1`, model: 'mock-json-1' }
  return {
    version: 2,
    security: { master_key: masterKey, admin_keys: [{ name: 'bench', value: adminKey }] },
    frontier: {
      management_requests_per_second: 1_000_000,
      workspaces: [
        {
          id: workspace,
          name: 'Bench',
          onboarded: true,
          slug_prefixes: [workspace],
          models: [{ id: 'mock', environments: { production } }],
        },
      ],
    },
  }
}
