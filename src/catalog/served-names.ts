/** Who serves a model of a bare name, by that name in lower case. */
export type ServedNames = ReadonlyMap<string, Served>

interface Served {
  /** In the catalogue's order, those who call it something else last. */
  readonly providers: readonly string[]
  /** What each of them calls it. */
  readonly names: ReadonlyMap<string, string>
}

interface NamedModel {
  readonly provider: string
  readonly model: string
}

/** Families of models that some providers serve under their maker's name. */
const underMaker = [
  { family: 'claude', maker: 'anthropic/', providers: ['openrouter', 'vertex'] },
  { family: 'gpt-', maker: 'openai/', providers: ['groq', 'openrouter'] },
] as const

/** Every bare name that leads to one of these models, worked out beforehand, so that a call looks up one name. */
export function servedNames(models: readonly NamedModel[]): ServedNames {
  const served = new Map<string, { providers: string[]; names: Map<string, string> }>()
  const add = (name: string, { provider, model }: NamedModel): void => {
    let entry = served.get(name)
    if (entry === undefined) {
      entry = { providers: [], names: new Map() }
      served.set(name, entry)
    }
    if (entry.names.has(provider)) return
    entry.names.set(provider, model)
    entry.providers.push(provider)
  }

  const named = models.map((model) => ({ ...model, provider: model.provider.toLowerCase() }))
  for (const model of named) add(model.model.toLowerCase(), model)
  for (const model of named) {
    const bare = withoutMaker(model)
    if (bare !== null) add(bare, model)
  }
  // Names end in their dates: the newest of those that a short name fits is the one that is meant.
  const bedrock = named.filter(({ provider }) => provider === 'bedrock')
  for (const model of bedrock.toSorted((left, right) => (left.model < right.model ? 1 : -1))) {
    for (const bare of claudeNamesIn(model.model.toLowerCase())) add(bare, model)
  }
  return served
}

function withoutMaker({ provider, model }: NamedModel): string | null {
  const name = model.toLowerCase()
  for (const { family, maker, providers } of underMaker) {
    const isHere = providers.some((id) => id === provider)
    if (isHere && name.startsWith(`${maker}${family}`)) return name.slice(maker.length)
  }
  return null
}

/** A bare Claude name means whatever id on Bedrock contains it, so all that an id contains are given. */
function claudeNamesIn(name: string): readonly string[] {
  const from = name.indexOf('claude')
  if (from < 0) return []
  const tail = name.slice(from)
  const shortest = 'claude'.length
  return Array.from({ length: tail.length - shortest + 1 }, (_, more) => tail.slice(0, shortest + more))
}
