import { readCost } from '../../domain/money.ts'
import type { PricedUsage } from '../../domain/usage.ts'
import { isObject } from '../../json/read.ts'
import { type Member, scanMembers, wantMembers } from '../../json/scan.ts'
import { asObject, parseUsage, tokenCount, type UsageObject, usageObject } from '../openai-chat/usage.ts'

const cost = wantMembers('cost')
const total = wantMembers('total_cost')

/**
 * Reads the `usage` object of any OpenAI-compatible answer for its price, given as the text of that object.
 *
 * Knows the names of chat and of the newer operations, and those by which vendors and gateways tell cached tokens apart.
 * Null, for "not reported", as `readUsage` has it. A part is never more than what it is part of. What the provider says
 * that it costs keeps its digits, and counts as not said if it is no amount of money. `serviceTier` stands beside the
 * usage in an answer, not in it.
 */
export function readPricedUsage(json: Buffer | string, serviceTier: string | null): PricedUsage | null {
  const report = usageObject(json)
  const usage = report === null ? null : parseUsage(report)
  if (report === null || usage === null) return null
  const { input, output } = usage
  const ofInput = asObject(report.prompt_tokens_details ?? report.input_tokens_details) ?? {}
  const ofOutput = asObject(report.completion_tokens_details ?? report.output_tokens_details) ?? {}
  const cacheRead = part(
    input,
    ofInput.cached_read_tokens,
    ofInput.cached_tokens,
    report.prompt_cache_hit_tokens,
  )
  const cacheWrite = part(input - cacheRead, ...writeNames.map((name) => ofInput[name]))
  return {
    ...usage,
    cacheRead,
    cacheWrite,
    cacheWriteLong: part(cacheWrite, ...longWrites(ofInput)),
    inputAudio: part(input, ofInput.audio_tokens),
    outputAudio: part(output, ofOutput.audio_tokens),
    inputImage: part(input, ofInput.image_tokens),
    outputImage: part(output, ofOutput.image_tokens),
    searches: first(ofOutput.num_search_queries, report.num_search_queries) ?? 0,
    reportedCost: readReportedCost(typeof json === 'string' ? Buffer.from(json) : json),
    serviceTier,
  }
}

const writeNames = [
  'cached_write_tokens',
  'cache_write_tokens',
  'cache_creation_tokens',
  'cache_creation_input_tokens',
] as const

function longWrites(ofInput: UsageObject): unknown[] {
  const written = asObject(ofInput.cached_write_token_details ?? ofInput.cache_creation_token_details)
  const created = asObject(ofInput.cache_creation)
  return [
    written?.cached_write_tokens_1h,
    written?.ephemeral_1h_input_tokens,
    created?.ephemeral_1h_input_tokens,
  ]
}

/** The first of some values that is a count, cut to what it is part of. */
function part(whole: number, ...values: readonly unknown[]): number {
  return Math.min(first(...values) ?? 0, whole)
}

function first(...values: readonly unknown[]): number | null {
  for (const value of values) {
    const count = tokenCount(value)
    if (count !== null) return count
  }
  return null
}

/** The number in `cost`, or in `cost.total_cost`, digit for digit; null unless it is an amount of money. */
function readReportedCost(usage: Buffer): string | null {
  if (scanMembers(usage, 0, usage.length, cost) < 0) return null
  const { cost: member } = cost.found
  if (member.keyStart < 0) return null
  if (!isObject(usage, member)) return moneyText(usage, member)
  if (scanMembers(usage, member.valueStart, member.valueEnd, total) < 0) return null
  const { total_cost: sum } = total.found
  return sum.keyStart < 0 ? null : moneyText(usage, sum)
}

function moneyText(bytes: Buffer, { valueStart, valueEnd }: Member): string | null {
  const text = bytes.toString('latin1', valueStart, valueEnd)
  return typeof readCost(text) === 'bigint' ? text : null
}
