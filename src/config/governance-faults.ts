import { isFailure } from '../domain/failure.ts'
import type { GovernanceFile } from '../tenancy/governance/file/definition.ts'
import { modelWording, noLimits, planLimits } from '../tenancy/governance/limits/limits-plan.ts'
import type { Fault, Warning } from './faults.ts'
import type { ConfigurationFile } from './schema.ts'

/** What is wrong with the entries of a file by themselves and with one another; the database is not asked. */
export function governanceFaults(file: ConfigurationFile): Fault[] {
  return [...givenTwice(file), ...badKeys(file), ...badScopes(file)]
}

function givenTwice({ governance, providers = {}, mcp }: ConfigurationFile): Fault[] {
  const faults: Fault[] = []
  const unique = (kind: string) => {
    const seen = new Map<string, string>()
    return (text: string, path: string, isShown = true): void => {
      const first = seen.get(text)
      if (first === undefined) seen.set(text, path)
      else
        faults.push({
          path,
          message: `must differ from ${first}: ${kind}`,
          ...(isShown && { found: JSON.stringify(text) }),
        })
    }
  }
  for (const section of ['customers', 'teams', 'virtual_keys'] as const) {
    const [id, name] = [unique('ids are unique'), unique('names are unique')]
    for (const [index, entry] of (governance?.[section] ?? []).entries()) {
      id(entry.id, `governance.${section}.${index}.id`)
      name(entry.name, `governance.${section}.${entry.id}.name`)
    }
  }
  for (const section of [
    'budgets',
    'rate_limits',
    'model_configs',
    'routing_rules',
    'pricing_overrides',
  ] as const) {
    const id = unique('ids are unique')
    for (const [index, entry] of (governance?.[section] ?? []).entries())
      id(entry.id, `governance.${section}.${index}.id`)
  }
  const provider = unique('a provider has one entry')
  for (const [index, entry] of (governance?.providers ?? []).entries())
    provider(entry.provider, `governance.providers.${index}.provider`)
  const value = unique('values are unique')
  for (const key of governance?.virtual_keys ?? [])
    if (key.value !== '') value(key.value, `governance.virtual_keys.${key.id}.value`, false)
  const keyName = unique('names of keys are unique, whoever the provider is')
  for (const [name, { keys }] of Object.entries(providers))
    for (const [index, key] of keys.entries()) keyName(key.name, `providers.${name}.keys.${index}.name`)
  const client = unique('names are unique')
  for (const [index, { name }] of (mcp?.client_configs ?? []).entries())
    client(name, `mcp.client_configs.${index}.name`)
  return faults
}

function badKeys({ governance }: ConfigurationFile): Fault[] {
  return (governance?.virtual_keys ?? []).flatMap(({ id, value, team_id, customer_id }) => {
    const path = `governance.virtual_keys.${id}`
    const isForeign = value !== '' && !value.startsWith('sk-bf-') && !governance?.allow_custom_vk_values
    return [
      ...(isForeign
        ? [
            {
              path: `${path}.value`,
              message: 'must begin with sk-bf-, or governance.allow_custom_vk_values be true',
            },
          ]
        : []),
      ...(team_id !== undefined && customer_id !== undefined
        ? [{ path: `${path}.customer_id`, message: 'must not stand beside team_id' }]
        : []),
    ]
  })
}

function badScopes({ governance }: ConfigurationFile): Fault[] {
  const scoped = (['model_configs', 'routing_rules'] as const).flatMap((section) =>
    (governance?.[section] ?? []).map((entry) => ({ ...entry, path: `governance.${section}.${entry.id}` })),
  )
  return scoped
    .filter(({ scope, scope_id }) => scope !== 'global' && scope_id === undefined)
    .map(({ path, scope }) => ({ path: `${path}.scope_id`, message: `is required where scope is ${scope}` }))
}

/** Limits that nobody could be held to. */
export function badLimits({ budgets, rateLimits }: GovernanceFile): Fault[] {
  const judge = (path: string, limits: Parameters<typeof planLimits>[1]): Fault[] => {
    const plan = planLimits(noLimits, limits, false, modelWording)
    return isFailure(plan) && 'message' in plan ? [{ path, message: plan.message }] : []
  }
  return [
    ...(budgets ?? []).flatMap(({ id, owner: _owner, ...terms }) =>
      judge(`governance.budgets.${id}`, { budgets: [terms] }),
    ),
    ...(rateLimits ?? []).flatMap(({ id, owner: _owner, ...terms }) =>
      judge(`governance.rate_limits.${id}`, { rateLimit: terms }),
    ),
  ]
}

/** References to what only the database can have. */
export function strayReferences({ governance }: ConfigurationFile): Warning[] {
  const { customers = [], teams = [], virtual_keys = [], model_configs = [] } = governance ?? {}
  const ids = (list: readonly { readonly id: string }[]) => new Set(list.map(({ id }) => id))
  const known = {
    customer: ids(customers),
    team: ids(teams),
    virtual_key: ids(virtual_keys),
    model_config: ids(model_configs),
  }
  const references: (readonly [kind: keyof typeof known, id: string | undefined, path: string])[] = [
    ...teams.map(
      (team) => ['customer', team.customer_id, `governance.teams.${team.id}.customer_id`] as const,
    ),
    ...virtual_keys.flatMap((key) => [
      ['team', key.team_id, `governance.virtual_keys.${key.id}.team_id`] as const,
      ['customer', key.customer_id, `governance.virtual_keys.${key.id}.customer_id`] as const,
    ]),
    ...(governance?.budgets ?? []).flatMap((budget) =>
      (['customer', 'team', 'virtual_key', 'model_config'] as const).map(
        (kind) => [kind, budget[`${kind}_id`], `governance.budgets.${budget.id}.${kind}_id`] as const,
      ),
    ),
    ...(['model_configs', 'routing_rules'] as const).flatMap((section) =>
      (governance?.[section] ?? []).flatMap(({ id, scope, scope_id }) =>
        scope === 'global' ? [] : [[scope, scope_id, `governance.${section}.${id}.scope_id`] as const],
      ),
    ),
    ...(governance?.pricing_overrides ?? []).map(
      (override) =>
        [
          'virtual_key',
          override.virtual_key_id,
          `governance.pricing_overrides.${override.id}.virtual_key_id`,
        ] as const,
    ),
  ]
  return references.flatMap(([kind, id, path]) =>
    id === undefined || known[kind].has(id)
      ? []
      : [
          {
            path,
            message: `names the ${kind.replace('_', ' ')} ${JSON.stringify(id)}, which this file has not: the database must have it`,
          },
        ],
  )
}
