import { describe, expect, it } from 'vitest'
import { strictRefusal } from './strict.ts'

function refusal(members: string): string | null {
  return strictRefusal(Buffer.from(`{"model":"m",${members}}`))
}

function ofContent(content: string): string | null {
  return refusal(`"messages":[{"role":"user","content":"a"},{"role":"user","content":${content}}]`)
}

describe('strictRefusal', () => {
  it.each([
    '"messages":[{"role":"system","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function"}]},{"role":"tool","content":"7"}]',
    '"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"refusal","refusal":"y"},"z"]}]',
    '"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"x"}]},{"type":"tool_use"}]}]',
    '"messages":[],"tools":[{"type":"function"},{"type":"custom"}],"n":2,"prediction":null,"best_of":null,"conversation":null',
    '"prompt":"x"',
    '"prompt":["x"]',
    '"prompt":[1,2,3]',
    '"prompt":[[1,2,3]]',
    '"messages":null,"tools":null,"n":null',
  ])('lets {%s} pass', (members) => {
    expect(refusal(members)).toBeNull()
  })

  it.each(['previous_response_id', 'conversation', 'prediction', 'web_search_options', 'best_of'])(
    'refuses %s',
    (name) => {
      expect(refusal(`"messages":[],"${name}":{}`)).toBe(
        `'${name}' cannot be bounded and is not allowed under a strict limit.`,
      )
    },
  )

  it.each([
    '[{"type":"image_url","image_url":{"url":"https://x"}}]',
    '[{"type":"text","text":"x"},{"type":"input_audio"}]',
    '[{"type":"file","file":{"file_id":"f"}}]',
    '[{"type":"video_url"}]',
    '[{"text":"x"}]',
    '[{"type":["text"]}]',
    '[7]',
    '[{"type":"tool_result","content":[{"type":"image"}]}]',
    '[{"type":"tool_result","content":[{"type":"tool_result"}]}]',
    '{"type":"text"}',
    '7',
  ])('refuses the content %s', (content) => {
    expect(ofContent(content)).toContain('under a strict limit')
  })

  it.each([
    '"messages":[{"role":"assistant","audio":{"id":"a"}}]',
    '"messages":{}',
    '"messages":["x"]',
    '"tools":[{"type":"function"},{"type":"web_search"}]',
    '"tools":[{}]',
    '"tools":{}',
    '"prompt":{"id":"pmpt_1"}',
    '"prompt":["a","b"]',
    '"prompt":[[1],[2]]',
    '"n":"3"',
    '"n":0',
    '"n":1.5',
  ])('refuses {%s}', (members) => {
    expect(refusal(members)).toContain('under a strict limit')
  })

  it('refuses what is no JSON object, and survives any nesting', () => {
    expect(strictRefusal(Buffer.from('{'))).toContain('must be a JSON object')
    expect(strictRefusal(Buffer.from('7'))).toContain('must be a JSON object')
    const part = '{"type":"tool_result","content":['
    expect(ofContent(`[${part.repeat(100_000)}${']}'.repeat(100_000)}]`)).toContain('content part')
  })

  it('sees members behind escapes, also when JSON.parse has been taught to misread them', () => {
    const message = '"messages":[{"role":"user","\\u0063ontent":[{"type":"image_url"}]}]'
    expect(refusal(message)).toContain('content part')
    expect(refusal('"messages":[],"\\u0070rediction":{}')).toContain("'prediction'")

    refusal('"messages":[],"\\\\u0070redi":1')
    refusal('"messages":[{"role":"user","\\\\u0063o":1}]')
    expect(refusal(message)).not.toBeNull()
    expect(refusal('"messages":[],"\\u0070rediction":{}')).not.toBeNull()
  })
})
