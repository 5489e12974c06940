/** Providers that are known by their name: whether a key to one must have a value of its own. Any other is custom. */
const known: ReadonlyMap<string, { readonly needsValue: boolean }> = new Map(
  Object.entries({
    ...all(true, [
      ['openai', 'anthropic', 'gemini', 'cohere', 'mistral', 'groq', 'cerebras', 'perplexity', 'openrouter'],
      ['parasail', 'nebius', 'xai', 'fireworks', 'deepseek', 'huggingface', 'opencode-go', 'opencode-zen'],
      ['github-copilot', 'databricks', 'replicate', 'runway', 'runware', 'elevenlabs', 'sarvam', 'wafer'],
      ['typesafe'],
    ]),
    // The cloud's own credentials, or the address, may be enough.
    ...all(false, [['azure', 'bedrock', 'bedrock_mantle', 'vertex', 'ollama', 'vllm', 'sgl']]),
  }),
)

export function isKnownProvider(name: string): boolean {
  return known.has(name)
}

export function needsValue(name: string): boolean {
  return known.get(name)?.needsValue ?? true
}

function all(needsValue: boolean, rows: readonly (readonly string[])[]) {
  return Object.fromEntries(rows.flat().map((name) => [name, { needsValue }]))
}
