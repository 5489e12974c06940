import type { Transaction } from 'kysely'
import { isFailure } from '../../../domain/failure.ts'
import { isSameDuration, parseResetDuration } from '../../../limits/duration.ts'
import type { Schema } from '../../../store/schema.ts'
import type { BudgetFact, OwnedLimits, OwnerKind } from '../facts.ts'
import { type LimitsInput, modelWording, planLimits } from '../limits/limits-plan.ts'
import { deleteBudgets, deleteRateLimits, readOwnedLimits } from '../limits/owned-limits.sql.ts'
import { applyLimits, type Owner } from '../limits/owned-limits.ts'
import type { BudgetDefinition, LimitOwner, RateLimitDefinition } from './definition.ts'
import { type FileWrite, fromFile, idsBeyond, refuse } from './file-write.ts'

export async function writeBudgets(write: FileWrite, budgets: readonly BudgetDefinition[]): Promise<void> {
  const touched = new Map<string, Owner>()
  for (const { id, owner: named, ...terms } of budgets) {
    const path = `governance.budgets.${id}`
    const hash = write.digest([named, terms])
    const stored = await readStored(write, 'budgets', id)
    if (!write.isToWrite(stored?.configHash, hash)) continue
    const owner = await ownerOf(write, path, named)
    const before = stored === null ? [] : stored.limits.budgets.filter((budget) => budget.id === id)
    const input = { budgets: [{ ...terms, ...(stored === null ? {} : { id }) }] }
    await applyOne(write, path, id, owner, { budgets: before, rateLimit: null }, input)
    await claim(write, 'budgets', id, owner, hash, stored)
    touched.set(`${owner.kind} ${owner.id}`, owner)
  }
  for (const owner of touched.values())
    refuseRepeated(await readLimits(write, owner), new Set(budgets.map(({ id }) => id)))
}

export async function writeRateLimits(
  write: FileWrite,
  rateLimits: readonly RateLimitDefinition[],
): Promise<void> {
  for (const { id, owner: named, ...terms } of rateLimits) {
    const path = `governance.rate_limits.${id}`
    const hash = write.digest([named, terms])
    const stored = await readStored(write, 'rate_limits', id)
    if (!write.isToWrite(stored?.configHash, hash)) continue
    const owner = await ownerOf(write, path, named)
    // An owner has one: another that somebody gave it gives way to the file's.
    const { rateLimit: present } = await readLimits(write, owner)
    if (present !== null && present.id !== id) await deleteRateLimits(write.it.transaction, [present])
    const before = { budgets: [], rateLimit: stored?.limits.rateLimit ?? null }
    await applyOne(write, path, id, owner, before, { rateLimit: terms })
    await claim(write, 'rate_limits', id, owner, hash, stored)
  }
}

export async function pruneBudgets(write: FileWrite, budgets: readonly BudgetDefinition[]): Promise<void> {
  const named = budgets.map(({ id }) => id)
  for (const id of await idsBeyond(write.it.transaction, 'budgets', named)) {
    const stored = await readStored(write, 'budgets', id)
    if (stored === null) continue
    await deleteBudgets(
      write.it.transaction,
      stored.limits.budgets.filter((budget) => budget.id === id),
    )
    await moveOn(write, stored.owner)
    await write.it.audit('BUDGET_DELETED', id, { budget_id: id })
  }
}

export async function pruneRateLimits(
  write: FileWrite,
  rateLimits: readonly RateLimitDefinition[],
): Promise<void> {
  const named = rateLimits.map(({ id }) => id)
  for (const id of await idsBeyond(write.it.transaction, 'rate_limits', named)) {
    const stored = await readStored(write, 'rate_limits', id)
    if (stored === null || stored.limits.rateLimit === null) continue
    await deleteRateLimits(write.it.transaction, [stored.limits.rateLimit])
    await moveOn(write, stored.owner)
    await write.it.audit('RATE_LIMIT_DELETED', id, { rate_limit_id: id })
  }
}

/** Makes or changes one limit by the rules of all: what it has counted, and since when, stays. */
async function applyOne(
  { it, context }: FileWrite,
  path: string,
  id: string,
  owner: Owner,
  before: OwnedLimits,
  input: LimitsInput,
): Promise<void> {
  const plan = planLimits(before, input, false, modelWording)
  if (isFailure(plan)) return refuse(path, 'message' in plan ? plan.message : plan.failure)
  const { counters, newUlid } = context
  const stamp = await it.begin()
  await applyLimits(
    // A revision is later than every change of a limit that was there before, and each change moved it by one at most.
    { it, stamp, operator: fromFile, counters, newUlid, newId: () => id, firstGeneration: stamp.revision },
    owner,
    before,
    plan,
  )
  await it.audit('LIMIT_CONFIGURED', id, { limit_id: id, owner_kind: owner.kind, owner_id: owner.id })
}

interface StoredLimit {
  readonly owner: Owner
  readonly configHash: string | null
  /** All limits of its owner. */
  readonly limits: OwnedLimits
}

async function readStored(
  { it }: FileWrite,
  table: 'budgets' | 'rate_limits',
  id: string,
): Promise<StoredLimit | null> {
  const { transaction } = it
  const row = await transaction
    .selectFrom(table)
    .select(['owner_kind', 'owner_id', 'config_hash'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) return null
  const owner = { kind: row.owner_kind as OwnerKind, id: row.owner_id }
  const ownerId = transaction.selectFrom(table).select('owner_id').where('id', '=', id)
  const limitsOf = await readOwnedLimits(transaction, owner.kind, ownerId)
  return { owner, configHash: row.config_hash, limits: limitsOf(owner.id) }
}

async function readLimits({ it }: FileWrite, { kind, id }: Owner): Promise<OwnedLimits> {
  const named = (table: 'budgets' | 'rate_limits') =>
    it.transaction
      .selectFrom(table)
      .select('owner_id')
      .where('owner_kind', '=', kind)
      .where('owner_id', '=', id)
  const limitsOf = await readOwnedLimits(it.transaction, kind, named('budgets').union(named('rate_limits')))
  return limitsOf(id)
}

/** Puts a limit down as the file's, and as its owner's: it may have been somebody else's before. */
async function claim(
  write: FileWrite,
  table: 'budgets' | 'rate_limits',
  id: string,
  owner: Owner,
  hash: string,
  before: StoredLimit | null,
): Promise<void> {
  await write.it.transaction
    .updateTable(table)
    .set({ owner_kind: owner.kind, owner_id: owner.id, config_hash: hash })
    .where('id', '=', id)
    .execute()
  await moveOn(write, owner)
  if (before !== null) await moveOn(write, before.owner)
}

const ownerTables = {
  customer: 'customers',
  team: 'teams',
  virtual_key: 'virtual_keys',
  model_config: 'model_configs',
} as const

/** A limit moves the revision of its owner; that of a provider config, its virtual key's. */
async function moveOn({ it }: FileWrite, { kind, id }: Owner): Promise<void> {
  const { revision } = await it.begin()
  const { transaction } = it
  if (kind === 'provider')
    await transaction.updateTable('provider_limits').set({ revision }).where('provider', '=', id).execute()
  else if (kind === 'provider_config')
    await transaction
      .updateTable('virtual_keys')
      .set({ revision })
      .where('id', 'in', keyOfConfig(transaction, id))
      .execute()
  else await transaction.updateTable(ownerTables[kind]).set({ revision }).where('id', '=', id).execute()
}

function keyOfConfig(transaction: Transaction<Schema>, configId: string) {
  return transaction
    .selectFrom('provider_configs')
    .select('virtual_key_id')
    .where('id', '=', Number(configId))
}

/** The owner as it is stored: it must be there. */
async function ownerOf(write: FileWrite, path: string, owner: LimitOwner): Promise<Owner> {
  const { transaction } = write.it
  const id =
    owner.kind === 'virtual_key' || owner.kind === 'provider_config'
      ? (write.keyIds.get(owner.id) ?? owner.id)
      : owner.id
  if (owner.kind === 'provider_config') {
    const config = await transaction
      .selectFrom('provider_configs')
      .select('id')
      .where('virtual_key_id', '=', id)
      .where('provider', '=', owner.provider)
      .executeTakeFirst()
    if (!config)
      return refuse(`${path}.provider_config_id`, `names what the virtual key ${id} has not any more`)
    return { kind: 'provider_config', id: String(config.id) }
  }
  const row =
    owner.kind === 'provider'
      ? await transaction
          .selectFrom('provider_limits')
          .select('provider')
          .where('provider', '=', id)
          .executeTakeFirst()
      : await transaction
          .selectFrom(ownerTables[owner.kind])
          .select('id')
          .where('id', '=', id)
          .executeTakeFirst()
  if (!row)
    refuse(
      `${path}.${owner.kind}_id`,
      `names the ${owner.kind.replace('_', ' ')} ${JSON.stringify(id)}, which there is not`,
    )
  return { kind: owner.kind, id }
}

/** An owner's budgets differ in their windows, or nobody could tell them apart when they are written over the API. */
function refuseRepeated({ budgets }: OwnedLimits, named: ReadonlySet<string>): void {
  for (const [index, budget] of budgets.entries()) {
    const other = budgets.slice(0, index).find((earlier) => hasSameWindow(earlier, budget))
    if (other === undefined) continue
    const [own, stranger] = named.has(budget.id) ? [budget, other] : [other, budget]
    const remedy = named.has(stranger.id)
      ? 'one of them needs another'
      : 'give it that id, or another duration'
    refuse(
      `governance.budgets.${own.id}.reset_duration`,
      `its owner has the budget ${stranger.id} for the same duration, ${own.resetDuration}: ${remedy}`,
    )
  }
}

function hasSameWindow(one: BudgetFact, other: BudgetFact): boolean {
  const [left, right] = [parseResetDuration(one.resetDuration), parseResetDuration(other.resetDuration)]
  return left !== null && right !== null && isSameDuration(left, right)
}
