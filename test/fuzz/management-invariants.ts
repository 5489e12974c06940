import { isDeepStrictEqual } from 'node:util'
import type { components } from '../../openapi/frontier.d.ts'

export type Group = components['schemas']['Group']
type Model = Group['models'][number]
type Limit = Model['rate_limits'][number] | Model['usage_limits'][number]

/** What is wrong with a workspace's groups as the API shows them; empty where every rule holds. */
export function faultsOf(groups: readonly Group[], slugsOfEndpoints: readonly string[]): string[] {
  const faults: string[] = []
  const byId = new Map(groups.map((group) => [group.id, group]))
  const externalIds = groups.map(({ metadata }) => metadata.external_entity_id)
  if (byId.size !== groups.length) faults.push('a group is listed twice')
  if (new Set(externalIds).size !== externalIds.length) faults.push('two groups have one external id')
  if (new Set(slugsOfEndpoints).size !== slugsOfEndpoints.length) faults.push('two endpoints have one slug')

  for (const group of groups) {
    const lineage = lineageOf(group, byId)
    if (lineage === null) {
      faults.push(`${group.id} is an orphan`)
      continue
    }
    if (lineage.length > 5) faults.push(`${group.id} stands on level ${lineage.length}`)
    if (lineage.some(({ hierarchy }) => hierarchy.limit_enforcement !== group.hierarchy.limit_enforcement))
      faults.push(`${group.id} is of another mode than its tree`)
    if (group.hierarchy.limit_enforcement === 'CASCADING') faults.push(...brokenCeilings(lineage))
    const expected = group.models.map(({ slug }) => effective(lineage, slug))
    if (!isDeepStrictEqual(group.effective_models, expected))
      faults.push(
        `${group.id} shows ${JSON.stringify(group.effective_models)}, where ${JSON.stringify(expected)} holds`,
      )
  }
  return faults
}

function lineageOf(group: Group, byId: ReadonlyMap<string, Group>): [Group, ...Group[]] | null {
  const { parent_group_id: parentId } = group.hierarchy
  if (parentId === null) return [group]
  const parent = byId.get(parentId)
  const above = parent && lineageOf(parent, byId)
  return above ? [group, ...above] : null
}

function brokenCeilings([group, ...ancestors]: readonly [Group, ...Group[]]): string[] {
  return group.models.flatMap(({ slug, ...own }) =>
    [...own.rate_limits, ...own.usage_limits].flatMap((limit) =>
      ancestors.flatMap((ancestor) =>
        limitsOn(ancestor, slug)
          .filter((above) => sameTuple(above, limit) && above.threshold < limit.threshold)
          .map(
            (above) => `${group.id} allows ${limit.threshold}, ${ancestor.id} above it ${above.threshold}`,
          ),
      ),
    ),
  )
}

/** What holds on a slug, worked out from the declarations alone: self first, then upwards; the nearest where each counts for itself. */
function effective(lineage: readonly [Group, ...Group[]], slug: string): object {
  const isCascading = lineage[0].hierarchy.limit_enforcement === 'CASCADING'
  const pick = (list: 'rate_limits' | 'usage_limits') => {
    const all = lineage.flatMap(({ id, models }) =>
      models
        .filter((model) => model.slug === slug)
        .flatMap((model) => model[list] as Limit[])
        .map(({ strict, ...limit }) => ({
          ...limit,
          source_group: id,
          ...(strict === undefined ? {} : { strict }),
        })),
    )
    return isCascading
      ? all
      : all.filter((limit, at) => all.findIndex((other) => sameTuple(other, limit)) === at)
  }
  return { slug, rate_limits: pick('rate_limits'), usage_limits: pick('usage_limits') }
}

function limitsOn({ models }: Group, slug: string): Limit[] {
  return models
    .filter((model) => model.slug === slug)
    .flatMap((model) => [...model.rate_limits, ...model.usage_limits])
}

function sameTuple(a: Pick<Limit, 'type' | 'unit'>, b: Pick<Limit, 'type' | 'unit'>): boolean {
  return a.type === b.type && a.unit === b.unit
}
