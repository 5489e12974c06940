import type { RequestType } from '../domain/request-type.ts'

/** The wire language that a provider speaks. */
export type Dialect = 'openai' | 'anthropic' | 'gemini' | 'vertex' | 'bedrock' | 'cohere' | 'own'

/** How a provider's key is sent. */
export type CredentialHeader = 'authorization' | 'api-key'

/** Who serves models, as far as that is known without anybody's configuration. */
export interface ProviderDefinition {
  readonly id: string
  readonly dialect: Dialect
  /** Null where there is no usual one: it stands in the configuration, or with the key. */
  readonly baseUrl: string | null
  readonly credentialHeader: CredentialHeader
  /** The member of a key that may hold the address, and what follows that address. */
  readonly keyAddress: KeyAddress | null
  /** Serves callers without a key, too. */
  readonly isKeyOptional: boolean
  readonly requestTypes: readonly RequestType[]
  /** Paths that differ from the usual. */
  readonly paths: Readonly<Partial<Record<RequestType, string>>>
}

/** Where within a key's settings its address stands. */
export interface KeyAddress {
  readonly block: string
  readonly member: string
  /** What stands between the address and the usual path. */
  readonly suffix: string
}

const chat = ['chat_completion'] as const
const chatAndEmbedding = ['chat_completion', 'embedding'] as const
const chatAndResponses = ['chat_completion', 'responses'] as const
const allButResponses = ['chat_completion', 'text_completion', 'embedding'] as const
const all = ['chat_completion', 'text_completion', 'responses', 'embedding'] as const

/** A vendor that speaks OpenAI's language. */
function compatible(
  id: string,
  baseUrl: string | null,
  requestTypes: readonly RequestType[],
  more: Partial<ProviderDefinition> = {},
): ProviderDefinition {
  return {
    id,
    dialect: 'openai',
    baseUrl,
    credentialHeader: 'authorization',
    keyAddress: null,
    isKeyOptional: false,
    requestTypes,
    paths: {},
    ...more,
  }
}

/** A server that an operator runs: its address is theirs to tell. */
function selfHosted(id: string): ProviderDefinition {
  const keyAddress = { block: `${id}_key_config`, member: 'url', suffix: '' }
  return compatible(id, null, all, { keyAddress, isKeyOptional: true })
}

/** A vendor of another language: none of what this gateway can do so far. */
function foreign(
  id: string,
  dialect: Exclude<Dialect, 'openai'>,
  baseUrl: string | null,
): ProviderDefinition {
  return { ...compatible(id, baseUrl, []), dialect }
}

const definitions: readonly ProviderDefinition[] = [
  compatible('openai', 'https://api.openai.com', all),
  compatible('azure', null, all, {
    credentialHeader: 'api-key',
    keyAddress: { block: 'azure_key_config', member: 'endpoint', suffix: '/openai' },
  }),
  compatible('mistral', 'https://api.mistral.ai', chatAndEmbedding),
  compatible('groq', 'https://api.groq.com/openai', chatAndResponses),
  compatible('cerebras', 'https://api.cerebras.ai', ['chat_completion', 'text_completion']),
  compatible('perplexity', 'https://api.perplexity.ai', chat, {
    paths: { chat_completion: '/chat/completions' },
  }),
  compatible('openrouter', 'https://openrouter.ai/api', all),
  compatible('parasail', 'https://api.parasail.io', chat),
  compatible('nebius', 'https://api.tokenfactory.nebius.com', allButResponses),
  compatible('xai', 'https://api.x.ai', chatAndResponses),
  compatible('fireworks', 'https://api.fireworks.ai/inference', all),
  compatible('deepseek', 'https://api.deepseek.com', chat),
  compatible('huggingface', 'https://router.huggingface.co', chat),
  compatible('opencode-go', 'https://opencode.ai/zen/go', chat),
  compatible('opencode-zen', 'https://opencode.ai/zen', chatAndResponses),
  compatible('github-copilot', 'https://api.githubcopilot.com', chatAndEmbedding, {
    paths: { chat_completion: '/chat/completions', embedding: '/embeddings' },
  }),
  compatible('databricks', null, allButResponses),
  selfHosted('ollama'),
  selfHosted('vllm'),
  selfHosted('sgl'),
  foreign('anthropic', 'anthropic', 'https://api.anthropic.com'),
  foreign('bedrock', 'bedrock', null),
  foreign('bedrock_mantle', 'bedrock', null),
  foreign('vertex', 'vertex', null),
  foreign('gemini', 'gemini', 'https://generativelanguage.googleapis.com/v1beta'),
  foreign('cohere', 'cohere', 'https://api.cohere.ai'),
  foreign('replicate', 'own', 'https://api.replicate.com'),
  foreign('runway', 'own', 'https://api.dev.runwayml.com'),
  foreign('runware', 'own', 'https://api.runware.ai'),
  foreign('elevenlabs', 'own', 'https://api.elevenlabs.io'),
  foreign('sarvam', 'own', 'https://api.sarvam.ai'),
  foreign('wafer', 'own', null),
  foreign('typesafe', 'own', null),
]

const byId: ReadonlyMap<string, ProviderDefinition> = new Map(
  definitions.map((definition) => [definition.id, definition]),
)

/** Whether a name is that of a provider that needs no definition of its own. */
export function isKnownProvider(name: string): boolean {
  return byId.has(name)
}

/** The names of the providers that need no definition of their own. */
export const knownProviders: readonly string[] = definitions.map(({ id }) => id)

export function knownProvider(name: string): ProviderDefinition | null {
  return byId.get(name) ?? null
}
