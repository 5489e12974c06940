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

const VertexConfig = z.object({ project_id: required, location: required }).meta({ id: 'VertexConfig' })

/** One provider's; each has a name of its own in the document, because generators make a type of each. */
const targetOf = <Provider extends string, Shape extends z.ZodRawShape>(
  provider: Provider,
  id: string,
  shape: Shape,
) => z.object({ ...shape, provider: z.literal(provider) }).meta({ id })

export const Target = z
  .discriminatedUnion('provider', [
    targetOf('BASETEN', 'BasetenTarget', {
      ...none,
      model_id: required.meta({ example: 'q7w3zkd' }),
      environment_name: optional.describe('Left out or `production`: production.'),
      target_model: optional,
    }),
    targetOf('ANTHROPIC', 'AnthropicTarget', withSecret),
    targetOf('OPENAI', 'OpenAiTarget', withSecret),
    targetOf('XAI', 'XAiTarget', withSecret),
    targetOf('OPENAI_COMPATIBLE', 'OpenAiCompatibleTarget', { ...withSecret, base_url: baseUrl }),
    targetOf('VERTEX', 'VertexTarget', { ...withSecret, vertex_config: VertexConfig }),
    targetOf('BASETEN_MODEL_API', 'BasetenModelApiTarget', { ...none, target_model: required }),
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
  .meta({ example: 'aurora/lumen-2' })
const targets = z.tuple([Target], { error: 'must hold exactly one target' })
const Region = z
  .enum(['UNRESTRICTED', 'EU'])
  .meta({ id: 'Region', description: 'EU: only to environments in the EU, where there are any.' })

export const Endpoint = z
  .object({
    id: z.string(),
    slug: z.string(),
    region: Region,
    targets: z.array(Target),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({
    id: 'Endpoint',
    example: {
      id: 'ep_01KB2Q9V7M3C4D5E6F7G8H9J0K',
      slug: 'aurora/lumen-2',
      region: 'UNRESTRICTED',
      targets: [{ provider: 'BASETEN', model_id: 'q7w3zkd', environment_name: 'canary' }],
      created_at: '2026-11-02T08:15:00Z',
      updated_at: '2026-11-02T08:15:00Z',
    },
  })

export const NewEndpoint = z.object({ slug, targets, region: Region.nullish() }).meta({
  id: 'NewEndpoint',
  example: { slug: 'aurora/lumen-2', targets: [{ provider: 'BASETEN', model_id: 'q7w3zkd' }] },
})

export const EndpointPatch = z
  .object({
    slug: slug.nullish().describe('Renames the endpoint.'),
    targets: targets.nullish().describe('Replaces all targets.'),
  })
  .refine(({ slug, targets }) => typeof slug === 'string' || Array.isArray(targets), 'needs slug or targets')
  .meta({ id: 'EndpointPatch' })

export const DeletedEndpoint = z.object({ id: z.string(), slug: z.string() }).meta({ id: 'DeletedEndpoint' })
