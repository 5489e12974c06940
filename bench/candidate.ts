import type { Processes, Program } from './processes.ts'

export type CandidateName = 'direct' | 'nginx' | 'tollgate' | 'portkey'

/** What every candidate stands on. */
export interface TestBed {
  readonly processes: Processes
  /** The upstream that all of them forward to. */
  readonly mock: Running
  /** Every model that will be asked for. */
  readonly models: readonly string[]
  /** Emptied at will; ignored by git. */
  readonly workFolder: string
  readonly repository: string
  /** Of this checkout. */
  readonly version: string
  say(message: string): void
}

/** A candidate that answers. */
export interface Running {
  readonly version: string
  readonly port: number
  /** `Name: value`, sent with each request. */
  readonly headers: readonly string[]
  readonly program: Program
  /** What the candidate calls a model of the mock upstream. */
  modelName(model: string): string
}

/** Why a candidate cannot take part, for the user. */
export interface Missing {
  readonly missing: string
}

export interface Candidate {
  readonly name: CandidateName
  /** What it needs until it is as fast as it gets. */
  readonly warmUpSeconds: number
  start(bed: TestBed): Promise<Running | Missing>
}

export function isMissing(value: object): value is Missing {
  return 'missing' in value
}

/** Asks for one answer of each model; what is wrong with the first that is wrong, else null. */
export async function probe(
  { port, headers, modelName }: Running,
  models: readonly string[],
): Promise<string | null> {
  const pairs = headers.map((header) => header.split(': ', 2) as [string, string])
  for (const model of models) {
    const body = {
      model: modelName(model),
      messages: [{ role: 'user', content: 'Hello?' }],
      ...(model.includes('sse') && { stream: true, stream_options: { include_usage: true } }),
    }
    const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...Object.fromEntries(pairs), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await answer.text()
    const isRight = answer.status === 200 && text.includes('"usage":{')
    if (!isRight) return `it answers ${model} with ${answer.status}: ${text.slice(0, 300)}`
  }
  return null
}
