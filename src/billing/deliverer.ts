import { setTimeout as wait } from 'node:timers/promises'
import type { InstanceId, NewUlid } from '../domain/ids.ts'
import type { Clock } from '../domain/time.ts'
import { repeat } from '../ledger/rounds.ts'
import type { Database } from '../store/database.ts'
import type { DeliveryTable, WebhookTable } from '../store/schema.ts'
import type { Keyring } from '../tenancy/sealing/keyring.ts'
import type { Secret } from '../tenancy/sealing/secret.ts'
import { signingSecrets } from '../tenancy/workspaces/webhooks.ts'
import type { Egress } from '../upstream/egress.ts'
import {
  beginAgain,
  buryDeliveries,
  type OnHand,
  type Postable,
  readOnHand,
  readPending,
  readQueued,
  readWork,
  settleDelivery,
  signAgain,
  type Work,
} from './deliveries.sql.ts'
import { fly, type Landing } from './flight.ts'
import { countWaiting, formDeliveries } from './form.sql.ts'
import { releaseLease, takeLease } from './lease.sql.ts'
import type { DeliveryLimits } from './limits.ts'
import { type Attempt, openPost } from './post.ts'
import { isStillValid, signatureOf } from './signature.ts'

/** Posts usage events to the workspaces' receivers. Of all instances on a database, one delivers at a time. */
export interface Deliverer {
  /** Something may have come to wait. */
  kick(): void
  standing(): DeliveryStanding
  /** Lets attempts under way end, within a second; what is not delivered stays to be delivered. */
  close(): Promise<void>
}

/** Totals since the start, and what is on hand in the database. */
export interface DeliveryStanding extends OnHand {
  readonly delivered: number
  readonly dead: number
  readonly failedAttempts: number
}

export interface DelivererOptions {
  readonly database: Database
  readonly instance: InstanceId
  readonly keyring: Keyring
  readonly egress: Egress
  readonly clock: Clock
  readonly newUlid: NewUlid
  readonly newUuid: () => string
  readonly limits: DeliveryLimits
  /** What a round threw; the next comes all the same. */
  readonly onError: (error: unknown) => void
  readonly beats?: DelivererBeats
}

/** How often things are looked at; the machine's time. */
export interface DelivererBeats {
  readonly roundMs: number
  readonly measureMs: number
  readonly leaseMs: number
  readonly retryWriteMs: number
}

const defaultBeats: DelivererBeats = { roundMs: 500, measureMs: 5000, leaseMs: 10_000, retryWriteMs: 500 }

const leaseName = 'deliveries'
/** Deliveries under way at once: each holds its body. */
const mostFlights = 64
const mostFlightsOfOne = 4
const closeGraceMs = 1000
const deletedProblem = 'the webhook was deleted'

interface Flight {
  readonly workspaceId: string
  /** Was a dead letter: one at a time of these, so that a receiver that is back is not flooded. */
  readonly isAgain: boolean
}

export function openDeliverer(options: DelivererOptions): Deliverer {
  const { database, instance, keyring, clock, newUlid, newUuid, limits, onError } = options
  const { roundMs, measureMs, leaseMs, retryWriteMs } = options.beats ?? defaultBeats
  const post = openPost(options.egress)
  const flights = new Map<string, Flight>()
  const landings = new Set<Promise<void>>()
  /** Workspaces whose last delivery failed: they are tried with one at a time, and cannot take all places. */
  const failing = new Set<string>()
  const stop = new AbortController()
  const totals = { delivered: 0, dead: 0, failedAttempts: 0 }
  let onHand: OnHand = { waitingEvents: 0, oldestWaitingAt: null, deadLetters: 0 }
  let leaseEndsMs = 0
  /** Who comes first in a round: another each time, since there may not be room for all. */
  let turn = 0
  let running: Promise<void> | null = null
  let isKicked = false
  let isClosing = false

  const rounds = repeat(roundMs, async () => kick(), onError)
  const measures = repeat(measureMs, measure, onError)

  function kick(): void {
    isKicked = true
    if (isClosing) return
    running ??= runRounds().finally(() => {
      running = null
    })
  }

  async function runRounds(): Promise<void> {
    while (isKicked && !isClosing) {
      isKicked = false
      await round().catch(onError)
    }
  }

  async function round(): Promise<void> {
    const works = await readWork(database.read)
    if (works.length === 0 || !(await holdLease())) return
    turn = (turn + 1) % works.length
    for (const work of [...works.slice(turn), ...works.slice(0, turn)]) {
      if (isClosing) return
      // What is wrong with one workspace is no reason for others to wait.
      await serve(work).catch(onError)
    }
  }

  async function holdLease(): Promise<boolean> {
    const nowMs = performance.now()
    if (leaseEndsMs - nowMs > leaseMs / 2) return true
    const isHeld = await takeLease(database, leaseName, instance, leaseMs)
    leaseEndsMs = isHeld ? nowMs + leaseMs : 0
    return isHeld
  }

  async function serve(work: Work): Promise<void> {
    const { webhook } = work
    if (webhook.deleted_at !== null) return bury(work)
    if (webhook.paused === 1) return
    let room = roomFor(webhook.workspace_id)
    if (room <= 0) return
    const secrets = signingSecrets(keyring, webhook, clock())
    if (secrets === null) {
      throw new Error(`the secret of the webhook of ${webhook.workspace_id} cannot be opened`)
    }
    if (work.hasPending) room -= await takeUpPending(webhook, secrets, room)
    if (room > 0 && (await isRipe(work))) room -= await takeUpWaiting(webhook, secrets, room)
    if (room > 0 && work.hasQueued) await takeUpQueued(webhook, secrets)
  }

  function roomFor(workspaceId: string): number {
    const most = failing.has(workspaceId) ? 1 : mostFlightsOfOne
    return Math.min(most - flightsOf(workspaceId).length, mostFlights - flights.size)
  }

  function flightsOf(workspaceId: string): readonly string[] {
    return [...flights].filter(([, flight]) => flight.workspaceId === workspaceId).map(([id]) => id)
  }

  /** Those that an earlier process, another instance, or a lack of room left. */
  async function takeUpPending(
    webhook: WebhookTable,
    secrets: readonly Secret[],
    room: number,
  ): Promise<number> {
    const { workspace_id } = webhook
    const found = await readPending(database.read, workspace_id, flightsOf(workspace_id), room)
    for (const delivery of found) {
      const isValid = isStillValid(delivery.signature, delivery.body, secrets)
      const signature = isValid ? delivery.signature : signatureOf(delivery.body, secrets)
      if (!isValid) await signAgain(database, delivery.id, signature)
      launch(webhook, { ...delivery, signature }, false)
    }
    return found.length
  }

  /** There are enough events for a delivery, or the first has waited long enough. */
  async function isRipe({ webhook, firstAt }: Work): Promise<boolean> {
    if (firstAt === null) return false
    if (clock() - firstAt >= limits.lingerMs) return true
    const enough = limits.eventsPerDelivery
    return (await countWaiting(database.read, webhook.workspace_id, enough)) >= enough
  }

  async function takeUpWaiting(
    webhook: WebhookTable,
    secrets: readonly Secret[],
    room: number,
  ): Promise<number> {
    const rows = await form(webhook, room * limits.eventsPerDelivery, (body, events) => ({
      ...freshRow(webhook, body, events),
      signature: signatureOf(body, secrets),
    }))
    const launched = rows.slice(0, room)
    for (const row of launched) launch(webhook, postableOf(row), false)
    return launched.length
  }

  async function form(
    { workspace_id }: WebhookTable,
    wanted: number,
    rowOf: (body: string, events: number) => DeliveryTable,
  ): Promise<readonly DeliveryTable[]> {
    const { eventsPerDelivery } = limits
    const formed = await formDeliveries(database, {
      workspaceId: workspace_id,
      wanted,
      eventsPerDelivery,
      rowOf,
    })
    if (formed.missing > 0) {
      onError(new Error(`${formed.missing} events of ${workspace_id} waited and are not in the ledger`))
    }
    return formed.rows
  }

  function freshRow({ workspace_id }: WebhookTable, body: string, events: number): DeliveryTable {
    const now = clock()
    return {
      id: newUlid(now),
      workspace_id,
      request_id: newUuid(),
      state: 'pending',
      created_at: now,
      settled_at: null,
      events,
      body,
      signature: null,
      attempts: 0,
      last_status: null,
      problem: null,
    }
  }

  async function takeUpQueued(webhook: WebhookTable, secrets: readonly Secret[]): Promise<void> {
    const { workspace_id } = webhook
    if (flightsOf(workspace_id).some((id) => flights.get(id)?.isAgain)) return
    const queued = await readQueued(database.read, workspace_id)
    if (queued === null) return
    const { id, body } = queued
    const names = { requestId: newUuid(), signature: signatureOf(body, secrets) }
    if (!(await beginAgain(database, id, names))) return
    launch(webhook, { id, workspace_id, request_id: names.requestId, body, signature: names.signature }, true)
  }

  async function bury(work: Work): Promise<void> {
    const { webhook } = work
    if (work.hasPending || work.hasQueued) {
      const { workspace_id } = webhook
      totals.dead += await buryDeliveries(
        database,
        workspace_id,
        flightsOf(workspace_id),
        clock(),
        deletedProblem,
      )
    }
    if (work.firstAt === null) return
    const rows = await form(webhook, mostFlightsOfOne * limits.eventsPerDelivery, (body, events) => ({
      ...freshRow(webhook, body, events),
      state: 'dead',
      settled_at: clock(),
      problem: deletedProblem,
    }))
    totals.dead += rows.length
    isKicked = true
  }

  function launch(webhook: WebhookTable, delivery: Postable, isAgain: boolean): void {
    const { id, workspace_id, body, signature, request_id } = delivery
    if (flights.has(id)) return
    flights.set(id, { workspaceId: workspace_id, isAgain })
    const landing = fly(
      { url: webhook.url, body, signature, requestId: request_id },
      {
        post,
        clock,
        limits,
        mayAttempt: () => !isClosing && performance.now() < leaseEndsMs,
        stop: stop.signal,
        onAttempt: countAttempt,
      },
    )
      .then((landed) => land(delivery, landed))
      .catch(onError)
      .finally(() => {
        flights.delete(id)
        landings.delete(landing)
        kick()
      })
    landings.add(landing)
  }

  function countAttempt({ outcome }: Attempt): void {
    if (outcome === 'refused' || outcome === 'failed') totals.failedAttempts += 1
  }

  /** Its place is taken until the database has the outcome: else it would be delivered once more. */
  async function land(delivery: Postable, landing: Landing): Promise<void> {
    if (landing === null) return
    if (landing.state === 'dead') failing.add(delivery.workspace_id)
    else failing.delete(delivery.workspace_id)
    totals[landing.state] += 1
    const settled = { ...landing, at: clock() }
    while (!stop.signal.aborted) {
      try {
        return await settleDelivery(database, delivery, settled)
      } catch (error) {
        onError(error)
        await wait(retryWriteMs, undefined, { signal: stop.signal }).catch(() => {})
      }
    }
  }

  async function measure(): Promise<void> {
    onHand = await readOnHand(database.read)
  }

  return {
    kick,
    standing: () => ({ ...totals, ...onHand }),
    async close() {
      isClosing = true
      await Promise.all([rounds.close(), measures.close(), running])
      await Promise.race([Promise.all(landings), wait(closeGraceMs)])
      stop.abort()
      await Promise.all(landings)
      await post.close()
      if (leaseEndsMs > 0) await releaseLease(database, leaseName, instance).catch(onError)
    },
  }
}

function postableOf({ id, workspace_id, request_id, body, signature }: DeliveryTable): Postable {
  return { id, workspace_id, request_id, body: body ?? '', signature: signature ?? '' }
}
