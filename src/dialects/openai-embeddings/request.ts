import type { Failure } from '../../domain/failure.ts'
import { isNull, readString } from '../../json/read.ts'
import { type Member, wantMembers } from '../../json/scan.ts'
import { cutMembers, replaceValue, type Spliced, splice } from '../../json/splice.ts'
import { invalid, type ModelRequest, metadataFault, placeOf, scanBody } from '../model-request.ts'

/** What an embeddings request asks of us, and where that stands in its body. */
export interface EmbeddingsRequest extends ModelRequest {
  readonly modelMember: Member
}

const wanted = wantMembers('model', 'input', 'metadata')

/** Reads and checks the members that we act on. What only concerns the provider is not looked at. */
export function readEmbeddingsRequest(body: Buffer): EmbeddingsRequest | Failure {
  const fault = scanBody(body, wanted)
  if (fault !== null) return fault
  const modelMember = placeOf(wanted.found.model)
  const model = modelMember === null ? null : readString(body, modelMember)
  if (modelMember === null || model === null || model === '')
    return invalid("'model' must be a non-empty string.")
  if (wanted.found.input.keyStart < 0) return invalid("'input' is required.")

  const metadata = placeOf(wanted.found.metadata)
  const metadataIsWrong = metadataFault(body, metadata === null || isNull(body, metadata) ? null : metadata)
  if (metadataIsWrong !== null) return metadataIsWrong
  return {
    model,
    modelMember,
    metadata,
    isStream: false,
    wantsUsage: false,
    hasOutput: false,
    outputCap: null,
    choices: 1,
  }
}

/** The body to send: the caller's bytes, but for the model, given as a JSON string, and our `metadata`. */
export function prepareEmbeddingsRequest(body: Buffer, request: EmbeddingsRequest, model: Buffer): Spliced {
  const { metadata, modelMember } = request
  const cuts = metadata === null ? [] : cutMembers(body, [metadata])
  return splice(body, [...cuts, replaceValue(modelMember, model)])
}
