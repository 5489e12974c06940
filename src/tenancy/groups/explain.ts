import type { Failure } from '../../domain/failure.ts'
import type { PlanRow } from '../../limits/plan.ts'
import type { Context } from '../context.ts'
import type { EndpointFact, NodeFact } from '../facts.ts'
import type { ExplainedKey } from '../records.ts'
import type { Snapshot } from '../snapshot.ts'
import { judgedLimits } from './compile.ts'
import { readKeysByPrefix } from './explain.sql.ts'
import { type EffectiveLimit, lineageOf } from './inherit.ts'
import { type ResolvedTarget, resolveTarget } from './resolve-target.ts'

/** What a call of a key for a model would meet, as the snapshot has it, from the key to the upstream. */
export interface Explained {
  readonly key: ExplainedKey
  /** Null where the key is of no live group. */
  readonly group: NodeFact | null
  /** Whether the group lists the model. */
  readonly isListed: boolean
  /** Every limit that the call has to pass, in order. */
  readonly limits: readonly (EffectiveLimit & { readonly row: PlanRow })[]
  readonly endpoint: EndpointFact | null
  /** Null without an endpoint; a failure where it leads nowhere. */
  readonly target: ResolvedTarget | Failure | null
}

export interface Explain {
  /** Fails where no key has the prefix, or keys of several workspaces have and none is named. */
  explain(prefix: string, model: string, workspaceId: string | null): Promise<Explained | Failure>
}

export function explainOf({ read }: Context, snapshot: () => Snapshot): Explain {
  return {
    async explain(prefix, model, workspaceId) {
      const [key, other] = await readKeysByPrefix(read, prefix, workspaceId)
      if (key === undefined) return { failure: 'not_found', what: 'key' }
      if (other !== undefined) return severalHave(key, other)
      return explained(snapshot(), key, model)
    },
  }
}

function explained(world: Snapshot, key: ExplainedKey, model: string): Explained {
  const group = key.nodeId === null ? null : world.node(key.nodeId)
  const lineage = group && lineageOf(group, world.node)
  const isListed = group?.models.some(({ slug }) => slug === model) ?? false
  const found = world.endpointBySlug(model)
  const endpoint = found?.workspaceId === key.workspaceId ? found : null
  return {
    key,
    group,
    isListed,
    limits: lineage && isListed ? judgedLimits(lineage, model) : [],
    endpoint,
    target: endpoint && resolveTarget(world, endpoint),
  }
}

function severalHave(one: ExplainedKey, other: ExplainedKey): Failure {
  const message = `workspace: keys of several workspaces have this prefix, ${one.workspaceId} and ${other.workspaceId} among them: name one`
  return { failure: 'invalid', message }
}
