import type { Reading } from '../../limits/plan.ts'
import type { Routed } from '../../rules/choose.ts'
import type { ProviderConfigFact, VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import { configLevel, providerLevels, rowsOf } from '../../tenancy/governance/plan.ts'
import { catalogIn } from '../../tenancy/governance/prices/prices.ts'
import type { Room } from '../room.ts'
import type { Journey, Target } from './journey.ts'
import { usableCredentials } from './keys.ts'
import { configOf, mayUse, modelBlocked, providerBlocked } from './permission.ts'
import { invalidRequest, isProblem, type Problem } from './problem.ts'
import { type AskedModel, nameAt, providersOf, splitModel } from './resolve.ts'
import { routeByRules } from './rules.ts'
import { orderByWeight } from './select.ts'

/** A target before its place in the order is known. */
type Stop = Omit<Target, 'index'>

/**
 * Where a call may be sent, in the order in which that is tried: where the operator's rules send it, else where it asks
 * to go, else a provider that the virtual key may use, by weight; then the fallbacks.
 */
export async function targetsOf(journey: Journey, room: Room): Promise<readonly Target[] | Problem> {
  const { world, virtualKey, ask, call } = journey
  const asked = withHeader(
    splitModel(ask.request.model, world),
    call.exchange.header('x-model-provider'),
    journey,
  )
  const routed = routeByRules(journey, asked, room)
  const wanted: AskedModel = routed === null ? asked : { provider: routed.provider, model: routed.model }
  const stops = await primaryStops(journey, wanted, asked.model, routed?.keyId ?? null, room)
  if (isProblem(stops)) return stops
  const [primary, ...others] = stops
  if (primary === undefined) return notAvailable(ask.request.model)
  const named = namedFallbacks(journey, asked, routed)
  const fallbacks = ask.request.fallbacks.length > 0 || named.length > 0 ? named : others
  const allowed = fallbacks.filter(
    ({ provider }) =>
      world.provider(provider) !== null && (virtualKey === null || configOf(virtualKey, provider) !== null),
  )
  return [primary, ...allowed].map((stop, index) => ({ ...stop, index }))
}

/** A header may name the provider that the model's name does not. */
function withHeader(asked: AskedModel, header: string | null, { world }: Journey): AskedModel {
  const provider = header?.trim().toLowerCase() ?? ''
  if (asked.provider !== null || provider === '') return asked
  return world.provider(provider) === null ? asked : { provider, model: asked.model }
}

/** The target of a call, and others that would do as well. */
function primaryStops(
  { world, virtualKey }: Journey,
  { provider, model }: AskedModel,
  askedModel: string,
  pinnedKeyId: string | null,
  room: Room,
): readonly Stop[] | Problem | Promise<readonly Stop[] | Problem> {
  if (provider !== null) return [{ provider, model, askedModel, pinnedKeyId }]
  if (virtualKey !== null) return selectedStops(virtualKey, world, model, askedModel, room)
  const [first] = providersOf(model, world, catalogIn(world))
  return first === undefined
    ? notAvailable(model)
    : [{ provider: first, model: nameAt(first, model, catalogIn(world)), askedModel, pinnedKeyId }]
}

/** The providers of a virtual key that can serve a model now, in the order of their turn. */
async function selectedStops(
  virtualKey: VirtualKeyFact,
  world: Journey['world'],
  model: string,
  askedModel: string,
  room: Room,
): Promise<readonly Stop[] | Problem> {
  const known = new Set(providersOf(model, world, catalogIn(world)))
  const { providerConfigs } = virtualKey
  if (providerConfigs.length === 0) return providerBlocked([...known][0] ?? model)
  const permitted = providerConfigs.filter((config) =>
    mayUse(config, askedModel, world.provider(config.provider)),
  )
  if (permitted.length === 0) return modelBlocked(askedModel)
  const stopOf = ({ provider }: ProviderConfigFact): Stop => ({
    provider,
    model: nameAt(provider, model, catalogIn(world)),
    askedModel,
    pinnedKeyId: null,
  })
  const served = permitted.filter((config) => {
    const provider = world.provider(config.provider)
    const usable =
      provider === null
        ? null
        : usableCredentials(provider, nameAt(provider.name, model, catalogIn(world)), config, [])
    return usable !== null && !isProblem(usable)
  })
  // Without one that could serve it, the first says what is missing; with none that has room, what is spent.
  if (served.length === 0) return permitted.slice(0, 1).map(stopOf)
  const open = await withRoom(served, world, room)
  if (open.length === 0) return served.slice(0, 1).map(stopOf)
  const candidates = open.map((config) => ({
    config,
    isKnown: known.has(config.provider) || !config.allowedModels.includes('*'),
  }))
  const ordered = orderByWeight(candidates, room.random)
  return ordered.length === 0 ? notAvailable(model) : ordered.map(stopOf)
}

/** Those whose own limits, and whose provider's, have room. */
async function withRoom(
  configs: readonly ProviderConfigFact[],
  world: Journey['world'],
  room: Room,
): Promise<readonly ProviderConfigFact[]> {
  const open: ProviderConfigFact[] = []
  for (const config of configs) {
    const now = room.clock()
    const levels = [...providerLevels(world, config.provider), configLevel(config)]
    const { rows } = rowsOf(levels, now).plan
    const readings: readonly Reading[] = rows.length === 0 ? [] : await room.counters.read(rows, now)
    if (readings.every(({ opening }) => opening === null)) open.push(config)
  }
  return open
}

/** The fallbacks that rules name, else those that the caller does. */
function namedFallbacks({ world, ask }: Journey, asked: AskedModel, routed: Routed | null): readonly Stop[] {
  if (routed !== null && routed.fallbacks.length > 0) {
    return routed.fallbacks.map(({ provider, model, keyId }) => ({
      provider,
      model,
      askedModel: asked.model,
      pinnedKeyId: keyId,
    }))
  }
  return ask.request.fallbacks.flatMap((fallback) => {
    const { provider, model } =
      fallback.provider === null ? splitModel(fallback.model, world) : (fallback as AskedModel)
    const where = provider ?? providersOf(model, world, catalogIn(world))[0]
    if (where === undefined) return []
    const name = provider === null ? nameAt(where, model, catalogIn(world)) : model
    return [{ provider: where, model: name, askedModel: model, pinnedKeyId: null }]
  })
}

function notAvailable(model: string): Problem {
  return invalidRequest(
    `No configured provider serves '${model}'. Send the model as provider/model.`,
    'model_not_available',
    'caller_model_not_available',
  )
}
