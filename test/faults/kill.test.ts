import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/store/open.ts'
import { startFakeUpstream } from '../fake-upstream.ts'
import { configurationFor, openFrontier } from '../setup/frontier.ts'
import { startGateway, temporaryFolder } from '../setup/gateway.ts'
import { type CallRecord, startLoad } from './load.ts'
import { expectTrueLedger } from './truth.ts'

const isLong = process.env.CI === 'true' || process.env.TOLLGATE_TEST_LONG === '1'
const rounds = isLong ? 20 : 2
const slug = 'aurora/lumen'

test(
  `killed in the middle of 200 calls, ${rounds} times over, the ledger has every complete answer once`,
  async () => {
    const upstream = await startFakeUpstream({ script: { chunkDelayMs: 2 }, remembered: 1_000_000 })
    const dataDirectory = temporaryFolder()
    const start = () => startGateway({ config: configurationFor(upstream.url), dataDirectory })
    const records: CallRecord[] = []
    let gateway = await start()
    const frontier = openFrontier(gateway)
    await frontier.createEndpoint(slug)
    const group = await frontier.createGroup({
      models: { [slug]: ['TOKEN/DAY 1000000000', 'REQUEST/MINUTE 1000000'] },
    })
    const key = await frontier.mintKey(group)

    for (let round = 0; round < rounds; round++) {
      const load = startLoad({ url: gateway.url, key, model: slug, concurrency: 200 })
      await sleep(300 + Math.random() * 700)
      await gateway.stop('SIGKILL')
      await load.stop()
      records.push(...load.records)
      expect(
        load.records.some(({ isComplete }) => !isComplete),
        'the kill cut no call',
      ).toBe(true)
      gateway = await start()
      const database = await openDatabase({ kind: 'sqlite', path: `${dataDirectory}/tollgate.db` })
      await expectTrueLedger(database, records, upstream)
      await database.close()
    }
    expect(records.filter(({ isComplete }) => isComplete).length).toBeGreaterThan(100 * rounds)
    await gateway.stop()
    await upstream.close()
  },
  isLong ? 600_000 : 60_000,
)
