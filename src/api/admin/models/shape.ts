import type { z } from 'zod'
import type { Failure } from '../../../domain/failure.ts'
import type { EnvironmentRecord, EnvironmentWish, ModelRecord } from '../../../tenancy/records.ts'
import { nameRule } from '../../../tenancy/rules/names.ts'
import type { DeletedEnvironment, Model, NewEnvironment, ReplacedModel } from './schemas.ts'

export function toModel({ id, environments }: ModelRecord): z.output<typeof Model> {
  return {
    id,
    environments: Object.fromEntries(
      environments.map((environment) => [environment.name, toEnvironment(environment)]),
    ),
  }
}

export function toDeletedEnvironment(environment: EnvironmentRecord): z.output<typeof DeletedEnvironment> {
  return { name: environment.name, ...toEnvironment(environment) }
}

function toEnvironment({ baseUrl, model, region, hasApiKey, isInFile }: EnvironmentRecord) {
  return { base_url: baseUrl, model, region, has_api_key: hasApiKey, in_file: isInFile }
}

/** An environment as it was sent, under its name. */
export function fromEnvironment(name: string, sent: z.output<typeof NewEnvironment>): EnvironmentWish {
  const { base_url, model = null, api_key = null, region = null } = sent
  return { name, baseUrl: base_url, model, apiKey: api_key, region }
}

export function fromEnvironments(
  environments: z.output<typeof ReplacedModel>['environments'],
): EnvironmentWish[] {
  return Object.entries(environments).map(([name, sent]) => fromEnvironment(name, sent))
}

/** What the file's words are against a name that stands in the path; null where it may stand. */
export function badName(member: string, name: string): Failure | null {
  if (nameRule.holds(name)) return null
  return { failure: 'invalid', message: `${member}: must be ${nameRule.allowed}` }
}
