import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Candidate, TestBed } from '../candidate.ts'

const workspace = 'bench'
const adminKey = 'bench-admin-key-0123456789abcdef0123456789abcdef'

/** Above any load, so that each limit is counted and none refuses. */
const threshold = 2e9
const treeDepth = 5

/** Ours, doing its work: a key, five levels of groups with a rate and a usage limit each, usage read, all accounted. */
export const tollgate: Candidate = {
  name: 'tollgate',
  warmUpSeconds: 30,
  async start(bed) {
    const { processes, workFolder, repository, version } = bed
    const command = join(repository, 'bin/tollgate.js')
    if (!existsSync(command)) return { missing: 'bin/tollgate.js does not exist.' }
    const folder = join(workFolder, 'tollgate')
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'tollgate.json')
    writeFileSync(file, JSON.stringify(configuration(bed), null, 2))
    const program = processes.start({
      name: 'tollgate',
      file: process.execPath,
      // As `npm start` does.
      arguments: [
        '--use-largepages=silent',
        command,
        'serve',
        '--config',
        file,
        '--data',
        join(folder, 'data'),
        '--port',
        '0',
      ],
      place: 'gateway',
      folder,
    })
    const listening = await program.waitFor(/Tollgate is listening on (http:\/\/\S+)/, 30_000)
    if (listening === null) return { missing: `Tollgate does not start: ${program.lastWords()}` }
    const url = new URL(listening[1] ?? '')
    const key = await makeKey(url, bed.models)
    if (typeof key !== 'string') return key
    return {
      version,
      port: Number(url.port),
      headers: [`Authorization: Bearer ${key}`],
      program,
      modelName: slugOf,
    }
  },
}

function slugOf(model: string): string {
  return `${workspace}/${model}`
}

function configuration({ mock, models }: TestBed): object {
  const base_url = `http://127.0.0.1:${mock.port}/v1`
  const environments = Object.fromEntries(models.map((model) => [model, { base_url, model }]))
  const production = { base_url, model: models[0] }
  return {
    version: 2,
    security: { admin_keys: [{ name: 'bench', value: adminKey }] },
    frontier: {
      workspaces: [
        {
          id: workspace,
          name: 'Bench',
          onboarded: true,
          slug_prefixes: [workspace],
          models: [{ id: 'mock', environments: { production, ...environments } }],
        },
      ],
    },
  }
}

/** Makes an endpoint for each model, and a key at the bottom of a tree in which every level limits every model. */
async function makeKey(url: URL, models: readonly string[]): Promise<string | { readonly missing: string }> {
  try {
    for (const model of models) {
      const target = { provider: 'BASETEN', model_id: 'mock', environment_name: model }
      await post('/v1/gateway/endpoints', { slug: slugOf(model), targets: [target] }, z.object({}))
    }
    const limited = models.map((model) => ({
      slug: slugOf(model),
      rate_limits: [{ type: 'REQUEST', unit: 'MINUTE', threshold }],
      usage_limits: [{ type: 'TOKEN', unit: 'DAY', threshold }],
    }))
    let parent: string | null = null
    for (let level = 1; level <= treeDepth; level += 1) {
      const group: { id: string } = await post(
        '/v1/gateway/groups',
        {
          metadata: { external_entity_id: `bench-level-${level}` },
          models: limited,
          hierarchy: { limit_enforcement: 'CASCADING', parent_group_id: parent },
        },
        z.object({ id: z.string() }),
      )
      parent = group.id
    }
    const minted = await post(
      `/v1/gateway/groups/${parent}/api_keys`,
      { name: 'bench' },
      z.object({ api_key: z.string() }),
    )
    return minted.api_key
  } catch (fault) {
    return { missing: `Tollgate cannot be set up: ${fault instanceof Error ? fault.message : String(fault)}` }
  }

  async function post<T>(path: string, body: object, shape: z.ZodType<T>): Promise<T> {
    const headers = {
      authorization: `Bearer ${adminKey}`,
      'x-tollgate-workspace': workspace,
      'content-type': 'application/json',
    }
    const answer = await fetch(new URL(path, url), { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`POST ${path} answers ${answer.status}: ${text.slice(0, 300)}`)
    return shape.parse(JSON.parse(text))
  }
}
