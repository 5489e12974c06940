import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dial } from './wire.ts'
import { expectHealthy, openWorld, slug, type World } from './world.ts'

const folder = join(import.meta.dirname, '../corpus/openai-chat')
const requestEnd = '.request.json'
const names = readdirSync(folder)
  .filter((name) => name.endsWith(requestEnd))
  .map((name) => name.slice(0, -requestEnd.length))

let world: World

beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  await expectHealthy(world)
  await world.close()
})

/** The text under another name for the model; it stands so, with one space, only where it is meant to change. */
function renamed(text: string, model: string): string {
  return text.replaceAll('"model": "gpt-5.1"', `"model": ${JSON.stringify(model)}`)
}

/** The counts of the last usage in an answer, found without knowing whether it is a stream. */
function usageIn(text: string): { input: number; output: number } {
  const last = text.match(/"prompt_tokens"\s*:\s*(\d+),\s*"completion_tokens"\s*:\s*(\d+)/g)?.at(-1) ?? ''
  const [input = Number.NaN, output = Number.NaN] = last.match(/\d+/g)?.map(Number) ?? []
  return { input, output }
}

async function tokensCounted(): Promise<{ input: number; output: number }> {
  return {
    input: await world.metric('tollgate_input_tokens_total'),
    output: await world.metric('tollgate_output_tokens_total'),
  }
}

test.each(names.flatMap((name) => [1, 7, 1000].map((pieceBytes) => [name, pieceBytes] as const)))(
  '%s goes both ways with no byte changed but the model’s name, in pieces of %d, and is counted',
  async (name, pieceBytes) => {
    const request = readFileSync(join(folder, `${name}${requestEnd}`), 'utf8')
    const isStream = existsSync(join(folder, `${name}.answer.sse`))
    const answer = readFileSync(join(folder, `${name}.answer.${isStream ? 'sse' : 'json'}`), 'utf8')
    world.upstream.script({
      body: answer,
      pieceBytes,
      contentType: isStream ? 'text/event-stream; charset=utf-8' : 'application/json',
    })
    const before = await tokensCounted()
    const arrival = world.upstream.nextRequest()
    const wire = dial(world.gateway.url)
    wire.send(world.post(renamed(request, slug)))
    const received = await wire.answer()
    wire.socket.destroy()

    expect((await arrival).body.toString()).toBe(renamed(request, 'lumen-2'))
    expect(received.body.toString()).toBe(renamed(answer, slug))
    const { input, output } = usageIn(answer)
    expect(await tokensCounted()).toEqual({ input: before.input + input, output: before.output + output })
  },
)
