import { createHash } from 'node:crypto'
import type { Piece } from './completion.ts'
import type { JsonObject, Script } from './script.ts'

const dimensions = 8
const bytesPerToken = 4

/** The answer to an embeddings request: a vector for each input, the same for the same text; usage without output. */
export function embeddingsAnswer(body: JsonObject, script: Script): Piece {
  const inputs = Array.isArray(body.input) ? body.input : [body.input]
  const data = inputs.map((input, index) => ({
    object: 'embedding',
    index,
    embedding: vectorOf(JSON.stringify(input)),
  }))
  const prompt = script.promptTokens ?? Math.ceil(JSON.stringify(inputs).length / bytesPerToken)
  const usage = JSON.stringify({ prompt_tokens: prompt, total_tokens: prompt })
  const members = `"object":"list","data":${JSON.stringify(data)},"model":${JSON.stringify(body.model)}`
  return { kind: 'whole', text: `{${members},"usage":${usage}}`, usage }
}

function vectorOf(text: string): number[] {
  const digest = createHash('sha256').update(text).digest()
  return Array.from({ length: dimensions }, (_, index) => digest.readInt16LE(index * 2) / 2 ** 15)
}
