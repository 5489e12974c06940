/** How a provider's chat differs from what callers may write. The other operations differ nowhere. */
export interface ProviderQuirks {
  /** Its spelling of the cap on output tokens. */
  readonly capMember: 'max_tokens' | 'max_completion_tokens'
  /** It knows no other spelling, so that a caller's cap is given this name. Else the caller's own goes out. */
  readonly renamesCap: boolean
  /** Whether it takes `reasoning_effort`, or an object `reasoning`. */
  readonly reasoning: 'flat' | 'nested'
  /** Members that it refuses. */
  readonly withheld: readonly string[]
}

const gatewayMembers = [
  'top_k',
  'cache_control',
  'mcp_servers',
  'container',
  'context_management',
  'task_budget',
  'speed',
  'inference_geo',
] as const
const openaiMembers = ['store', 'service_tier', 'prompt_cache_key'] as const

/** What an OpenAI-compatible server takes that we know nothing of. */
const compatible: ProviderQuirks = {
  capMember: 'max_tokens',
  renamesCap: false,
  reasoning: 'flat',
  withheld: [],
}
const vendor: ProviderQuirks = { ...compatible, withheld: [...openaiMembers, 'cache_control'] }
const olderSpelling: ProviderQuirks = { ...vendor, renamesCap: true }
const openai: ProviderQuirks = {
  capMember: 'max_completion_tokens',
  renamesCap: true,
  reasoning: 'flat',
  withheld: gatewayMembers,
}

const known: ReadonlyMap<string, ProviderQuirks> = new Map([
  ['openai', openai],
  ['azure', openai],
  ['mistral', olderSpelling],
  ['ollama', olderSpelling],
  ['vllm', olderSpelling],
  ['sgl', olderSpelling],
  ['openrouter', { ...compatible, reasoning: 'nested' }],
  ['deepseek', vendor],
  ['xai', vendor],
  ['fireworks', vendor],
  ['cerebras', vendor],
  ['perplexity', vendor],
  // Has service tiers of its own.
  ['groq', { ...compatible, withheld: ['store', 'prompt_cache_key', 'cache_control'] }],
])

/** The quirks of a built-in provider, by its name; of any other, those of a server that takes what callers write. */
export function quirksOf(provider: string): ProviderQuirks {
  return known.get(provider) ?? compatible
}
