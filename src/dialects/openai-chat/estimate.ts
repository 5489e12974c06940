import { stringEnd } from '../../json/strings.ts'

const backslash = 0x5c
const bytesPerToken = 4
const urlStart = Buffer.from('"data:')
/** The slash of the media type may be escaped, as PHP does. */
const mediaType = /^[\w.+-]+\\?\/[\w.+-]+(?:;[\w.+-]+(?:=[\w.+-]+)?)*,/
const longestMediaTypeBytes = 256

/**
 * How many input tokens a request may be expected to have: one for every four bytes of its body, where
 * strings that are `data:` URLs do not count, because what is in them is not read as text.
 */
export function estimateInputTokens(body: Buffer): number {
  return Math.ceil((body.length - dataUrlBytes(body)) / bytesPerToken)
}

function dataUrlBytes(body: Buffer): number {
  let bytes = 0
  let at = body.indexOf(urlStart)
  while (at !== -1) {
    const end = body[at - 1] === backslash ? -1 : dataUrlEnd(body, at)
    if (end > 0) bytes += end - 1 - (at + 1)
    at = body.indexOf(urlStart, Math.max(end, at + urlStart.length))
  }
  return bytes
}

/** After the closing quote of the data URL whose opening quote stands at `at`; -1 if it is none. */
function dataUrlEnd(body: Buffer, at: number): number {
  const typeStart = at + urlStart.length
  const type = mediaType.exec(body.toString('latin1', typeStart, typeStart + longestMediaTypeBytes))
  return type === null ? -1 : stringEnd(body, typeStart + type[0].length, body.length)
}
