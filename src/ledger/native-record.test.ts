import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import type { NodeId } from '../domain/ids.ts'
import type { Database } from '../store/database.ts'
import {
  attempt,
  emptyTables,
  event,
  noon,
  type SpoolPlace,
  segmentOf,
  settlement,
  temporaryPlace,
  testDrain,
} from './ledger.fixture.ts'
import type { NativeRecord } from './native-record.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import { sweepNativeCalls } from './sweep.sql.ts'

const native: NativeRecord = {
  virtualKeyId: 'vk "1"',
  teamId: null,
  customerId: 'acme',
  providerKeyId: 'key',
  requestType: 'chat_completion',
  attempts: '[{"status":200}]',
  parseErrors: 2,
  isPriced: true,
  isCostEstimated: false,
  priceTerms: '{"source":"catalog"}',
}
const ofNative = event({ nodeId: null, externalId: null, native })

describe('a record of a native call', () => {
  test('is read as it was written, and costs other records nothing', () => {
    const text = encodeRecord(settlement('a1', { event: ofNative }), noon)
    expect(decodeRecord(text)?.at(7)).toEqual([
      'vk "1"',
      null,
      'acme',
      'key',
      'chat_completion',
      '[{"status":200}]',
      2,
      1,
      0,
      '{"source":"catalog"}',
    ])
    expect(decodeRecord(encodeRecord(settlement('a2'), noon))).toHaveLength(7)
  })

  test('of a settlement is none without an event, and none has too few values', () => {
    const [kind, id, at, closes, , targets, amounts, values] = JSON.parse(
      encodeRecord(settlement('a1', { event: ofNative }), noon),
    )
    expect(decodeRecord(JSON.stringify([kind, id, at, closes, null, targets, amounts, values]))).toBeNull()
    const short = JSON.parse(encodeRecord(settlement('a1', { event: ofNative }), noon))
    short[7].pop()
    expect(decodeRecord(JSON.stringify(short))).toBeNull()
    const shortAttempt = JSON.parse(encodeRecord(attempt('a1', { native }), noon))
    shortAttempt[4].pop()
    expect(decodeRecord(JSON.stringify(shortAttempt))).toBeNull()
  })
})

describe.each(databases())('native calls on $name', ({ open }) => {
  let database: Database
  let place: SpoolPlace
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    await emptyTables(database)
    place = temporaryPlace()
    return () => place.remove()
  })

  test('are stored beside their events, wait for no webhook, and are swept with age', async () => {
    await database.transaction(async (transaction) => {
      await transaction
        .insertInto('webhooks')
        .values({
          workspace_id: 'default',
          url: 'https://hooks.example',
          sealed_secret: '',
          sealed_previous_secret: null,
          previous_secret_until: null,
          paused: 0,
          created_at: noon,
          updated_at: noon,
          deleted_at: null,
          config_hash: null,
        })
        .execute()
    })
    const drain = testDrain(database, place.directory)
    drain.accept(
      await segmentOf(place.directory, [
        settlement('a1', { event: ofNative }),
        settlement('a2', { event: event({ nodeId: 'node' as NodeId }) }),
        attempt('a3', { native }),
        attempt('a4'),
      ]),
    )
    await drain.idle()
    await drain.close()

    const { read } = database
    const kept = {
      at: noon,
      request_id: 'req_1',
      virtual_key_id: 'vk "1"',
      team_id: null,
      customer_id: 'acme',
      provider_key_id: 'key',
      request_type: 'chat_completion',
      attempts: '[{"status":200}]',
      parse_errors: 2,
      priced: 1,
      cost_estimated: 0,
      price_terms: '{"source":"catalog"}',
    }
    // Of one that was billed, and of one that was not.
    expect(await read.selectFrom('native_calls').selectAll().orderBy('id').execute()).toEqual([
      { id: 'a1', ...kept },
      { id: 'a3', ...kept },
    ])
    expect(await read.selectFrom('attempts').select('id').orderBy('id').execute()).toEqual([
      { id: 'a3' },
      { id: 'a4' },
    ])
    expect(await read.selectFrom('usage_events').select('id').orderBy('id').execute()).toEqual([
      { id: 'a1' },
      { id: 'a2' },
    ])
    const [waiting, ...more] = await read.selectFrom('waiting_events').select(['events', 'keys']).execute()
    expect([waiting?.events, waiting?.keys, more]).toEqual([1, JSON.stringify([[noon, 'a2']]), []])

    expect(await sweepNativeCalls(database, noon)).toBe(false)
    expect(await read.selectFrom('native_calls').select('id').execute()).toHaveLength(2)
    await sweepNativeCalls(database, noon + 1)
    expect(await read.selectFrom('native_calls').select('id').execute()).toEqual([])
  })
})
