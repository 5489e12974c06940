import { openDatabase, parseDatabaseUrl } from '../store/open.ts'
import { openDrain } from './drain.ts'
import { spoolFiles } from './files.ts'
import { dayCharge, instance, newUlid, noon, recoverWith, settlement, testSpool } from './ledger.fixture.ts'

/**
 * Recovers, then spools and drains as fast as it can until it is killed. Prints the id of each record that is in the
 * file, as a gateway would send an answer's last byte.
 */
const [, , directory = '', url = ''] = process.argv
const location = parseDatabaseUrl(url)
if ('failure' in location) throw new Error(`not a database: ${url}`)
const database = await openDatabase(location)

const drain = openDrain({
  database,
  directory,
  instance,
  threads: 1,
  files: spoolFiles,
  onEvent: (event) => event.event === 'torn_tail_cut' || console.error(event),
  limits: { recordsPerTransaction: 20, watermarkMs: 10, firstRetryMs: 10, longestRetryMs: 10 },
})
await recoverWith(drain, database, directory)
const spool = testSpool(directory, drain.accept, {
  limits: { segmentBytes: 20_000, beatMs: 10, longestWaitMs: 30_000 },
})

const charges = [dayCharge('requests', 1), dayCharge('dollars', 123, 456_789)]
for (;;) {
  for (let burst = 0; burst < 20; burst++) {
    const id = newUlid(Date.now())
    spool.append(settlement(id, { at: noon, charges }), () => process.stdout.write(`${id}\n`))
  }
  await new Promise((resolve) => setTimeout(resolve, 1))
}
