import { type Failure, isFailure } from '../../domain/failure.ts'
import type { WorkspaceId } from '../../domain/ids.ts'
import type { EpochMs } from '../../domain/time.ts'
import { lockRow } from '../../store/lock-row.ts'
import type { WebhookTable } from '../../store/schema.ts'
import type { Context } from '../context.ts'
import { digestFileEntry } from '../keys/digest.ts'
import { randomText } from '../keys/random-text.ts'
import { badWebhookSecret, badWebhookUrl } from '../rules/webhook.ts'
import type { Keyring } from '../sealing/keyring.ts'
import { seal, unseal } from '../sealing/sealing.ts'
import type { Secret } from '../sealing/secret.ts'
import type { Caller, Stamp, Write } from '../write.ts'
import { readWebhook, updateWebhook, upsertWebhook, webhookPlace } from './webhooks.sql.ts'

/** A workspace's receiver, as operators see it. */
export interface WebhookFact {
  readonly workspaceId: WorkspaceId
  readonly url: string
  readonly paused: boolean
  /** Until when the secret before the last rotation signs too; null where there is none, or it is over. */
  readonly previousSecretUntil: EpochMs | null
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
}

/** `secret` is what was made here, to be shown once; null where the caller brought one, or nothing changed. */
export interface WrittenWebhook {
  readonly webhook: WebhookFact
  readonly secret: string | null
}

/** A workspace's webhook, as the configuration file has it. */
export interface WebhookDefinition {
  readonly workspaceId: WorkspaceId
  readonly url: string
  readonly secret: string
}

/** Where each workspace's events are posted. A workspace has at most one webhook. */
export interface Webhooks {
  getWebhook(workspaceId: WorkspaceId): Promise<WebhookFact | Failure>
  /**
   * Sets the address. Another secret than the one in use takes its place as a rotation does; where there is neither,
   * one is made.
   */
  putWebhook(
    caller: Caller,
    wish: { readonly url: string; readonly secret: string | null },
  ): Promise<WrittenWebhook | Failure>
  /** Puts a new secret, made here where none is given, beside the old one, which signs too for a while. */
  rotateWebhookSecret(caller: Caller, secret: string | null): Promise<WrittenWebhook | Failure>
  /** While paused, events wait. */
  pauseWebhook(caller: Caller, paused: boolean): Promise<WebhookFact | Failure>
  /** What still waits becomes dead letters. */
  deleteWebhook(caller: Caller): Promise<WebhookFact | Failure>
  /** Brings webhooks to what the file says, where it says otherwise than the last time; null when it is done. */
  applyWebhooks(definitions: readonly WebhookDefinition[]): Promise<Failure | null>
}

/** Secrets that sign now: the current one, and the one before it while that is still valid. */
export function signingSecrets(keyring: Keyring, row: WebhookTable, now: EpochMs): readonly Secret[] | null {
  const current = unseal(keyring, row.sealed_secret, webhookPlace(row.workspace_id, 'current'))
  if (current === null) return null
  if (row.sealed_previous_secret === null || !isPreviousValid(row, now)) return [current]
  const place = webhookPlace(row.workspace_id, 'previous')
  const previous = unseal(keyring, row.sealed_previous_secret, place)
  return previous === null ? null : [current, previous]
}

const noWebhook: Failure = { failure: 'not_found', what: 'webhook' }
const secretLetters = 43
const fromFile = 'configuration_file'

export function webhooksOf(context: Context, secretOverlapMs: number): Webhooks {
  const { read, write, keyring, random } = context

  /** Null: what is stored cannot be opened, so it is no secret that anybody could go on using. */
  function currentSecret(row: WebhookTable): string | null {
    return unseal(keyring, row.sealed_secret, webhookPlace(row.workspace_id, 'current'))?.reveal() ?? null
  }

  /** The columns that hold a workspace's new secret, and the old one for as long as it stays valid. */
  function secretColumns(workspaceId: string, old: string | null, secret: string, { at }: Stamp) {
    const sealed = (value: string, which: 'current' | 'previous') =>
      seal(keyring, random, value, webhookPlace(workspaceId, which))
    return {
      sealed_secret: sealed(secret, 'current'),
      sealed_previous_secret: old === null ? null : sealed(old, 'previous'),
      previous_secret_until: old === null ? null : at + secretOverlapMs,
    }
  }

  async function create(it: Write, workspaceId: string, url: string, secret: string, hash: string | null) {
    const stamp = await it.begin()
    await upsertWebhook(it.transaction, {
      workspace_id: workspaceId,
      url,
      ...secretColumns(workspaceId, null, secret, stamp),
      paused: 0,
      created_at: stamp.at,
      updated_at: stamp.at,
      deleted_at: null,
      config_hash: hash,
    })
    await it.audit('WEBHOOK_SIGNING_SECRET_CREATED', workspaceId, {})
  }

  /** Writes what is other than it was; whether that was anything. */
  async function change(it: Write, row: WebhookTable, wish: { url: string; secret: string | null }) {
    const old = currentSecret(row)
    const rotates = wish.secret !== null && wish.secret !== old
    if (!rotates && wish.url === row.url) return
    const stamp = await it.begin()
    await updateWebhook(it.transaction, row.workspace_id, {
      url: wish.url,
      updated_at: Math.max(stamp.at, row.updated_at + 1),
      ...(rotates && wish.secret !== null && secretColumns(row.workspace_id, old, wish.secret, stamp)),
    })
    if (wish.url !== row.url) await it.audit('WEBHOOK_UPDATED', row.workspace_id, { changed: ['url'] })
    if (rotates) await it.audit('WEBHOOK_SIGNING_SECRET_ROTATED', row.workspace_id, {})
  }

  async function liveRow(it: Write, workspaceId: string): Promise<WebhookTable | null> {
    await lockRow(it.transaction, it.kind, 'workspaces', workspaceId)
    const row = await readWebhook(it.transaction, workspaceId)
    return row === null || row.deleted_at !== null ? null : row
  }

  async function written(it: Write, workspaceId: string): Promise<WebhookFact> {
    const row = await readWebhook(it.transaction, workspaceId)
    if (row === null) throw new Error('a webhook that was written is not there')
    return toFact(row, context.clock())
  }

  function makeSecret(): string {
    return `whsec_${randomText(random, secretLetters)}`
  }

  return {
    async getWebhook(workspaceId) {
      const row = await readWebhook(read, workspaceId)
      return row === null || row.deleted_at !== null ? noWebhook : toFact(row, context.clock())
    },

    putWebhook(caller, { url, secret }) {
      const bad = badWebhookUrl(url) ?? (secret === null ? null : badWebhookSecret(secret))
      if (bad !== null) return Promise.resolve(bad)
      return write(caller, async (it) => {
        const row = await liveRow(it, caller.workspaceId)
        const made = row === null && secret === null ? makeSecret() : null
        if (row !== null) await change(it, row, { url, secret })
        else await create(it, caller.workspaceId, url, secret ?? made ?? '', null)
        return { webhook: await written(it, caller.workspaceId), secret: made }
      })
    },

    rotateWebhookSecret(caller, secret) {
      const bad = secret === null ? null : badWebhookSecret(secret)
      if (bad !== null) return Promise.resolve(bad)
      return write<WrittenWebhook>(caller, async (it) => {
        const row = await liveRow(it, caller.workspaceId)
        if (row === null) return noWebhook
        if (secret !== null && secret === currentSecret(row)) {
          return { failure: 'invalid', message: 'secret: is the one in use' }
        }
        const made = secret === null ? makeSecret() : null
        await change(it, row, { url: row.url, secret: secret ?? made })
        return { webhook: await written(it, caller.workspaceId), secret: made }
      })
    },

    pauseWebhook(caller, paused) {
      return write<WebhookFact>(caller, async (it) => {
        const row = await liveRow(it, caller.workspaceId)
        if (row === null) return noWebhook
        if ((row.paused === 1) !== paused) {
          const { at } = await it.begin()
          const updated_at = Math.max(at, row.updated_at + 1)
          await updateWebhook(it.transaction, row.workspace_id, { paused: paused ? 1 : 0, updated_at })
          await it.audit(paused ? 'WEBHOOK_PAUSED' : 'WEBHOOK_RESUMED', row.workspace_id, {})
        }
        return written(it, row.workspace_id)
      })
    },

    deleteWebhook(caller) {
      return write<WebhookFact>(caller, async (it) => {
        const row = await liveRow(it, caller.workspaceId)
        if (row === null) return noWebhook
        const { at } = await it.begin()
        await updateWebhook(it.transaction, row.workspace_id, {
          deleted_at: at,
          sealed_previous_secret: null,
          previous_secret_until: null,
          config_hash: null,
        })
        await it.audit('WEBHOOK_SIGNING_SECRET_DELETED', row.workspace_id, {})
        return toFact(row, at)
      })
    },

    async applyWebhooks(definitions) {
      for (const definition of definitions) {
        const failure = await applyOne(definition)
        if (failure !== null) return failure
      }
      return null
    },
  }

  async function applyOne({ workspaceId, url, secret }: WebhookDefinition): Promise<Failure | null> {
    const bad = badWebhookUrl(url) ?? badWebhookSecret(secret)
    if (bad?.failure === 'invalid') {
      return { failure: 'invalid', message: `frontier.workspaces.${workspaceId}.webhook.${bad.message}` }
    }
    const hash = digestFileEntry(keyring, ['webhook', url, secret])
    if ((await readWebhook(read, workspaceId))?.config_hash === hash) return null
    const outcome = await write({ workspaceId, actor: fromFile }, async (it) => {
      const row = await liveRow(it, workspaceId)
      if (row === null) await create(it, workspaceId, url, secret, hash)
      else {
        await change(it, row, { url, secret })
        await updateWebhook(it.transaction, workspaceId, { config_hash: hash })
      }
      return true
    })
    return isFailure(outcome) ? outcome : null
  }
}

function isPreviousValid(row: WebhookTable, now: EpochMs): boolean {
  return row.previous_secret_until !== null && now < row.previous_secret_until
}

function toFact(row: WebhookTable, now: EpochMs): WebhookFact {
  return {
    workspaceId: row.workspace_id as WorkspaceId,
    url: row.url,
    paused: row.paused === 1,
    previousSecretUntil: isPreviousValid(row, now) ? row.previous_secret_until : null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
