import { z } from 'zod'
import { longestSlug, slugPattern } from '../../tenancy/rules/slug.ts'
import { text, timestamp } from '../text.ts'

/** Of a member that belongs to other providers. */
const inapplicable = z.null({ error: 'does not apply to this provider' }).optional()
const required = text(1, 255)
const optional = text(1, 255).nullish()

/** `https`, a host without a port, and a path at most: nothing in it may pass for another address. */
const baseUrl = text(1, 2048)
  .refine(
    (value) =>
      /^https:\/\/(\[[0-9A-Fa-f:.]+\]|[^/?#:@\\\s[\]]+)(\/[^?#\\\s]*)?$/.test(value) && URL.canParse(value),
    'must be https, without port, user or query',
  )
  .meta({ format: 'uri', example: 'https://llm.example.com/v1' })

const none = {
  model_id: inapplicable,
  environment_name: inapplicable,
  target_model: inapplicable,
  secret_id: inapplicable,
  base_url: inapplicable,
  vertex_config: inapplicable,
}
const withSecret = { ...none, target_model: required, secret_id: required }

export const Target = z
  .discriminatedUnion('provider', [
    z.object({
      ...none,
      provider: z.literal('BASETEN'),
      model_id: required,
      environment_name: optional.describe('Left out or `production`: production.'),
      target_model: optional,
    }),
    z.object({ ...withSecret, provider: z.literal('ANTHROPIC') }),
    z.object({ ...withSecret, provider: z.literal('OPENAI') }),
    z.object({ ...withSecret, provider: z.literal('XAI') }),
    z.object({ ...withSecret, provider: z.literal('OPENAI_COMPATIBLE'), base_url: baseUrl }),
    z.object({
      ...withSecret,
      provider: z.literal('VERTEX'),
      vertex_config: z.object({ project_id: required, location: required }),
    }),
    z.object({ ...none, provider: z.literal('BASETEN_MODEL_API'), target_model: required }),
  ])
  .meta({
    id: 'EndpointTarget',
    description: 'Where calls go. Members that do not apply are absent or null.',
  })

const slug = z
  .string()
  .max(longestSlug)
  .regex(slugPattern, 'must be `{prefix}/{name}` of letters, digits, `.`, `_`, `~` and `-`')
  .describe("The `model` that callers send: a prefix of the workspace's, one slash, a name.")
const targets = z.tuple([Target], { error: 'must hold exactly one target' })
const Region = z
  .enum(['UNRESTRICTED', 'EU'])
  .describe('EU: only to environments in the EU, where there are any.')

export const Endpoint = z
  .object({
    id: z.string(),
    slug: z.string(),
    region: Region,
    targets: z.array(Target),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Endpoint' })

export const NewEndpoint = z.object({ slug, targets, region: Region.nullish() }).meta({ id: 'NewEndpoint' })

export const EndpointPatch = z
  .object({
    slug: slug.nullish().describe('Renames the endpoint.'),
    targets: targets.nullish().describe('Replaces all targets.'),
  })
  .refine(({ slug, targets }) => typeof slug === 'string' || Array.isArray(targets), 'needs slug or targets')
  .meta({ id: 'EndpointPatch' })

export const DeletedEndpoint = z.object({ id: z.string(), slug: z.string() }).meta({ id: 'DeletedEndpoint' })
