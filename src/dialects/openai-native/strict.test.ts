import { describe, expect, it } from 'vitest'
import type { NativeOperation } from './operation.ts'
import { readNativeRequest } from './request.ts'
import { strictNativeRefusal } from './strict.ts'

function refusal(text: string, operation: NativeOperation, keepsUnknown = false): string | null {
  const body = Buffer.from(text)
  const request = readNativeRequest(body, operation)
  if ('failure' in request) throw new Error(JSON.stringify(request))
  return strictNativeRefusal(body, request, keepsUnknown)
}

const ofChat = (members: string) => refusal(`{"model":"m","messages":[{}],${members}}`, 'chat_completion')
const ofCompletion = (members: string) => refusal(`{"model":"m",${members}}`, 'text_completion')
const ofResponse = (members: string) => refusal(`{"model":"m","input":"x",${members}}`, 'responses')
const ofInput = (input: string) => refusal(`{"model":"m","input":${input}}`, 'responses')

describe('strictNativeRefusal', () => {
  it.each(['mcp_servers', 'container', 'context_management', 'web_search_options', 'prediction'])(
    'refuses a chat with %s',
    (name) => {
      expect(ofChat(`"${name}":{}`)).toBe(
        `'${name}' cannot be bounded and is not allowed under a strict limit.`,
      )
      expect(ofChat(`"${name}":null`)).toBeNull()
    },
  )

  it('refuses content other than text, and tools that the provider runs', () => {
    const image = '[{"role":"user","content":[{"type":"image_url"}]}]'
    expect(refusal(`{"model":"m","messages":${image}}`, 'chat_completion')).toContain('content part')
    expect(ofChat('"tools":[{"type":"web_search"}]')).toContain('tool')
  })

  it('refuses what it does not know only where that is passed on', () => {
    const text = '{"model":"m","messages":[{}],"plugins":[{"id":"web"}]}'
    expect(refusal(text, 'chat_completion')).toBeNull()
    expect(refusal(text, 'chat_completion', true)).toContain('passed through')
    expect(refusal('{"model":"m","messages":[{}]}', 'chat_completion', true)).toBeNull()
  })

  it('refuses completions of several texts', () => {
    expect(ofCompletion('"prompt":"x"')).toBeNull()
    expect(ofCompletion('"prompt":["x"]')).toBeNull()
    expect(ofCompletion('"prompt":["x","y"]')).toContain("'prompt'")
    expect(ofCompletion('"prompt":"x","best_of":2')).toContain("'best_of'")
  })

  it('lets embeddings pass', () => {
    expect(refusal('{"model":"m","input":["x","y"]}', 'embedding')).toBeNull()
  })

  it.each(['previous_response_id', 'conversation', 'prompt', 'context_management', 'background'])(
    'refuses a response with %s',
    (name) => {
      expect(ofResponse(`"${name}":{"id":"x"}`)).toContain(`'${name}'`)
      expect(ofResponse(`"${name}":null`)).toBeNull()
    },
  )

  it.each([
    '"x"',
    '[{"role":"user","content":"x"}]',
    '[{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]}]',
    '[{"type":"message","role":"assistant","content":[{"type":"output_text"},{"type":"refusal"}]}]',
    '[{"type":"function_call","arguments":"{}"},{"type":"function_call_output","output":"x"}]',
    '[{"type":"custom_tool_call"},{"type":"custom_tool_call_output","output":[{"type":"input_text"}]}]',
  ])('lets the input %s pass', (input) => {
    expect(ofInput(input)).toBeNull()
  })

  it.each([
    '[{"role":"user","content":[{"type":"input_image"}]}]',
    '[{"role":"user","content":[{"type":"input_file"}]}]',
    '[{"type":"function_call_output","output":[{"type":"input_image"}]}]',
    '[{"type":"item_reference","id":"x"}]',
    '[{"type":"reasoning","encrypted_content":"x"}]',
    '[{"type":"web_search_call"}]',
    '["x"]',
    '{"a":1}',
  ])('refuses the input %s', (input) => {
    expect(ofInput(input)).toContain('under a strict limit')
  })

  it('refuses tools that the provider runs for a response, and takes those that the caller runs', () => {
    expect(ofResponse('"tools":[{"type":"function"},{"type":"custom"}],"background":false')).toBeNull()
    for (const tool of ['web_search', 'file_search', 'code_interpreter', 'mcp', 'image_generation'])
      expect(ofResponse(`"tools":[{"type":"${tool}"}]`)).toContain('tool')
    expect(ofResponse('"instructions":[{"type":"input_image"}]')).toContain("'instructions'")
  })
})
