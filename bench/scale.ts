import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { isMissing } from './candidate.ts'
import { startMock } from './candidates/direct.ts'
import { errorCount, type Load, type LoadResult, putLoad } from './load.ts'
import { machineFacts } from './machine.ts'
import { buildNative } from './native.ts'
import { openProcesses, type Processes } from './processes.ts'
import { bound, type Finding, saveFindings, table } from './scale/findings.ts'
import {
  databaseFile,
  masterKey,
  type ScaleGateway,
  slug,
  startScaleGateway,
  workspace,
} from './scale/gateway.ts'
import { seed } from './scale/seed.ts'

const repository = join(import.meta.dirname, '..')
const workFolder = join(import.meta.dirname, '.work')
const startedAt = Date.now()
const loopDelay = 'tollgate_event_loop_delay_max_seconds'
const warmUps = 50
const samples = 300
const Page = z.object({
  items: z.array(z.object({})),
  pagination: z.object({ cursor: z.string().nullable() }),
})

const { values: options } = parseArgs({
  options: {
    groups: { type: 'string', default: '100000' },
    keys: { type: 'string', default: '1000000' },
    /** How many groups are calling at once in the figures that say so. */
    many: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '6' },
  },
})

/** A gateway with its world, as it stands between the rounds. */
interface Side {
  readonly gateway: ScaleGateway
  readonly keyFile: string
  readonly manyFile: string
  readonly groupId: string
}

const folder = mkdtempSync(join(tmpdir(), 'tollgate-scale-'))
const processes = openProcesses(join(workFolder, 'logs'), true)
process.once('SIGINT', () => void cleanUp().then(() => process.exit(130)))
try {
  process.exitCode = await run(processes)
} finally {
  await cleanUp()
}

async function cleanUp(): Promise<void> {
  await processes.stopAll()
  rmSync(folder, { recursive: true, force: true })
}

async function run(processes: Processes): Promise<number> {
  const native = buildNative(import.meta.dirname, workFolder)
  if (isMissing(native)) throw new Error(native.missing)
  const mock = await startMock(processes, native.mock)
  if (isMissing(mock)) throw new Error(mock.missing)
  const groups = Number(options.groups)
  const keysPerGroup = Number(options.keys) / groups
  const open = (name: string, count: number) => openSide(name, mock.port, count, keysPerGroup)

  const large = await open('large', groups)
  const findings: Finding[] = [
    bound('start-up', large.gateway.startedInMs, 5000, 'ms'),
    bound('memory after start-up', memoryMib(large, 'VmRSS'), 1024, 'MiB'),
    ...(await measureLists(large)),
    ...(await measureWrites(large)),
  ]
  const small = await open('small', 10)
  findings.push(...(await measureCalls(native.load, large, small)))
  findings.push(bound('memory after calls', memoryMib(large, 'VmRSS'), 1024, 'MiB'))
  findings.push(bound('memory at its most', memoryMib(large, 'VmHWM'), null, 'MiB'))
  return publish(findings)
}

/** Makes a database with so many groups, and starts the gateway that is measured on it. */
async function openSide(name: string, mockPort: number, groups: number, keysPerGroup: number): Promise<Side> {
  const place = { name, folder: join(folder, name), repository, mockPort, processes }
  const first = await startScaleGateway(place)
  const target = { provider: 'BASETEN', model_id: 'mock' }
  await first.manage('POST', '/v1/gateway/endpoints', z.object({}), { slug, targets: [target] })
  await first.program.stop()

  const keyFile = join(place.folder, 'keys-of-few-groups.txt')
  const manyFile = join(place.folder, 'keys-of-many-groups.txt')
  const groupId = await seed({
    ...{ groups, keysPerGroup, masterKey, workspace, slug, keyFile, manyFile },
    databaseFile: databaseFile(place.folder),
    many: Number(options.many),
    onProgress: progressOf(`seeding ${groups} groups, ${groups * keysPerGroup} keys`),
  })
  const gateway = await startScaleGateway(place)
  say(`${name}: listens after ${Math.round(gateway.startedInMs)} ms`)
  return { gateway, keyFile, manyFile, groupId }
}

/** Pages of a hundred, one after the other, and a group by its name outside. */
async function measureLists({ gateway, groupId }: Side): Promise<Finding[]> {
  say('lists')
  const pages: number[] = []
  const named: number[] = []
  const ofKeys: number[] = []
  let cursor: string | null = null
  for (let number = -warmUps; number < samples; number++) {
    const next = `/v1/gateway/groups?limit=100${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    const page: { value: z.output<typeof Page>; ms: number } = await gateway.manage('GET', next, Page)
    cursor = page.value.pagination.cursor
    const one = await gateway.manage(
      'GET',
      `/v1/gateway/groups?external_entity_id=customer-${(number + warmUps) % 10}`,
      Page,
    )
    const keys = await gateway.manage('GET', `/v1/gateway/groups/${groupId}/api_keys`, Page)
    if (number < 0) continue
    pages.push(page.ms)
    named.push(one.ms)
    ofKeys.push(keys.ms)
  }
  return [
    bound('page of 100 groups, p99', percentile(pages, 0.99), 20, 'ms'),
    bound('page of 100 groups, p50', percentile(pages, 0.5), null, 'ms'),
    bound('group by external id, p99', percentile(named, 0.99), 20, 'ms'),
    bound("page of a group's keys, p99", percentile(ofKeys, 0.99), 20, 'ms'),
  ]
}

/** One write after the other, each answered before the next. */
async function measureWrites({ gateway, groupId }: Side): Promise<Finding[]> {
  say('writes')
  const path = `/v1/gateway/groups/${groupId}`
  const renames: number[] = []
  const mints: number[] = []
  const revocations: number[] = []
  for (let number = -warmUps; number < samples; number++) {
    if (number === 0) await gateway.metric(loopDelay)
    const rename = await gateway.manage('PATCH', path, z.object({}), { metadata: { name: `Name ${number}` } })
    const mint = await gateway.manage('POST', `${path}/api_keys`, z.object({ prefix: z.string() }), {})
    const revocation = await gateway.manage('DELETE', `${path}/api_keys/${mint.value.prefix}`, z.object({}))
    if (number < 0) continue
    renames.push(rename.ms)
    mints.push(mint.ms)
    revocations.push(revocation.ms)
  }
  const all = [...renames, ...mints, ...revocations]
  return [
    bound('a write, p50', percentile(all, 0.5), 5, 'ms'),
    bound('a write, p99', percentile(all, 0.99), null, 'ms'),
    bound('rename of a group, p50', percentile(renames, 0.5), null, 'ms'),
    bound('mint of a key, p50', percentile(mints, 0.5), null, 'ms'),
    bound('revocation of a key, p50', percentile(revocations, 0.5), null, 'ms'),
    bound('longest event-loop delay during writes', (await gateway.metric(loopDelay)) * 1000, 10, 'ms'),
  ]
}

/** Alternating rounds of both gateways, in turned-around order each time; the ratio is taken within each round. */
async function measureCalls(loadProgram: string, large: Side, small: Side): Promise<Finding[]> {
  const load = { model: 'mock-json-1', connections: 64, warmSeconds: 1, seconds: Number(options.seconds) }
  const put = async ({ gateway, keyFile }: Side, more: Partial<Load> = {}): Promise<LoadResult> => {
    const result = await putLoad(processes, loadProgram, gateway, { ...load, keyFile, ...more })
    if ('failed' in result) throw new Error(result.failed)
    if (errorCount(result) > 0) {
      const delay = await gateway.metric(loopDelay)
      throw new Error(`${gateway.name}: wrong answers ${JSON.stringify(result)}, loop delay ${delay} s`)
    }
    return result
  }
  say('warming up')
  for (const side of [small, large]) await put(side, { seconds: 6 })
  const ratios: number[] = []
  const costs: { large: number; small: number }[] = []
  for (let round = 1; round <= Number(options.rounds); round++) {
    const order = round % 2 === 1 ? [large, small] : [small, large]
    const results = new Map<Side, LoadResult>()
    for (const side of order) results.set(side, await put(side))
    const cost = {
      large: results.get(large)?.cpuMicrosPerRequest ?? Number.NaN,
      small: results.get(small)?.cpuMicrosPerRequest ?? Number.NaN,
    }
    say(`calls, round ${round}: ${cost.large.toFixed(1)} against ${cost.small.toFixed(1)} µs CPU`)
    costs.push(cost)
    ratios.push((cost.large / cost.small - 1) * 100)
  }
  const many = await put(large, { keyFile: large.manyFile })
  const middle = (side: 'large' | 'small') =>
    percentile(
      costs.map((cost) => cost[side]),
      0.5,
    )
  return [
    bound("a call's CPU above that with ten groups", percentile(ratios, 0.5), 15, '%'),
    bound("a call's CPU", middle('large'), null, 'µs'),
    bound("a call's CPU with ten groups", middle('small'), null, 'µs'),
    bound(`a call's CPU with ${options.many} groups calling`, many.cpuMicrosPerRequest, null, 'µs'),
  ]
}

function publish(findings: readonly Finding[]): number {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')))
  const isWhole = options.groups === '100000' && options.keys === '1000000' && options.rounds === '5'
  const results = join(isWhole ? import.meta.dirname : workFolder, 'results', version)
  mkdirSync(results, { recursive: true })
  const date = new Date(startedAt).toISOString().slice(0, 10)
  const page = saveFindings(results, {
    date,
    machine: machineFacts(repository, processes.isPinned),
    size: { groups: Number(options.groups), keys: Number(options.keys), many: Number(options.many) },
    findings,
  })
  console.log(`\n${table(findings)}\n\nWritten to ${page}`)
  const missed = findings.filter(({ isKept }) => isKept === false)
  for (const { name } of missed) console.error(`Out of bounds: ${name}`)
  return missed.length === 0 ? 0 : 1
}

function memoryMib({ gateway }: Side, line: 'VmRSS' | 'VmHWM'): number {
  const [id] = gateway.program.ids()
  const status = readFileSync(`/proc/${id}/status`, 'utf8')
  return Number(new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
}

/** Of few values, each a measurement: the smallest that so great a share does not exceed. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

function progressOf(what: string): (share: number) => void {
  let told = -1
  return (share) => {
    const tenth = Math.floor(share * 10)
    if (tenth === told) return
    told = tenth
    say(`${what}: ${tenth * 10} %`)
  }
}

function say(message: string): void {
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  console.log(`${String(seconds).padStart(4)} s  ${message}`)
}
