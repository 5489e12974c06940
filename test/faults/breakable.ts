import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { databases, placeAt, type TestDatabases, type TestPlace } from '../setup/databases.ts'
import { findBinaries, startCluster } from '../setup/postgres.ts'

/** A database that can be made to stand still, and let go on. */
export interface BreakablePlace extends TestPlace {
  takeAway(): Promise<void>
  giveBack(): Promise<void>
}

export interface BreakableDatabase {
  readonly name: TestDatabases['name']
  create(): Promise<BreakablePlace>
}

/** SQLite locked by another process; Postgres stopped in its tracks, connections open. */
export function breakableDatabases(): readonly BreakableDatabase[] {
  return databases().map(({ name, create }) =>
    name === 'SQLite'
      ? { name, create: async () => lockable(await create()) }
      : { name, create: createStoppable },
  )
}

const lockScript = `
  const { DatabaseSync } = require('node:sqlite')
  new DatabaseSync(process.argv[1], { timeout: 10_000 }).exec('begin exclusive')
  console.log('locked')
  process.stdin.resume().once('end', () => process.exit())
`

function lockable(place: TestPlace): BreakablePlace {
  let release = async () => {}
  return {
    ...place,
    async takeAway() {
      const path = place.url.slice('sqlite:'.length)
      const holder = spawn(process.execPath, ['-e', lockScript, path], { stdio: ['pipe', 'pipe', 'inherit'] })
      await once(holder.stdout, 'data')
      release = async () => {
        holder.stdin.end()
        await once(holder, 'exit')
      }
    },
    giveBack: () => release(),
  }
}

async function createStoppable(): Promise<BreakablePlace> {
  const binaries = findBinaries()
  if (binaries === null) throw new Error('PostgreSQL is not installed')
  const { templateUrl, processId, stop } = await startCluster(binaries)
  const signal = (name: NodeJS.Signals) => {
    process.kill(processId, name)
    for (const id of childrenOf(processId)) killIfThere(id, name)
  }
  const goOn = () => signal('SIGCONT')
  // A stopped process does not even end when it is told to.
  process.once('exit', goOn)
  return {
    ...placeAt(templateUrl),
    takeAway: async () => signal('SIGSTOP'),
    giveBack: async () => goOn(),
    async remove() {
      process.removeListener('exit', goOn)
      goOn()
      await stop()
    },
  }
}

/** A child may have ended since it was listed. */
function killIfThere(processId: number, signal: NodeJS.Signals): void {
  try {
    process.kill(processId, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function childrenOf(processId: number): number[] {
  const lines = execFileSync('ps', ['-o', 'pid=', '--ppid', String(processId)], { encoding: 'utf8' })
  return lines.trim().split(/\s+/).filter(Boolean).map(Number)
}
