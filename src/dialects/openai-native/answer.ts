import type { PricedUsage } from '../../domain/usage.ts'
import { type AmendedAnswer, amendAnswer, amendmentOf, openAmended } from '../../json/amend.ts'
import { decodeString } from '../../json/scan.ts'
import { readPricedUsage } from './usage.ts'

const quote = 0x22
const extraFields = amendmentOf('extra_fields', { usage: 1 << 20, service_tier: 256, error: 1 << 16 })

/** What a whole answer has told. */
export interface NativeReport {
  /** Null for none, or for one that cannot be. */
  readonly usage: PricedUsage | null
  /** The bytes of an `error` that came with a status of success; null without one. */
  readonly error: Buffer | null
  /** The answer was a JSON object, so that it holds `extra_fields` now. */
  readonly isWhole: boolean
}

/** A whole answer on its way through. */
export interface NativeAnswer {
  /** What goes out for `chunk`, good until the chunk's memory is used again. The closing brace is never among it. */
  push(chunk: Buffer): Buffer[]
  /** The upstream has ended: the last bytes, with the JSON object `extra` as `extra_fields`. */
  end(extra: Buffer): NativeReport & { readonly bytes: Buffer }
  /** The last usage that has ended so far, for an answer that is cut. */
  usage(): PricedUsage | null
}

/**
 * Relays an answer of any operation as it comes, `extra_fields` added as its last member. One that the upstream sent is
 * cut. Nothing else changes, the model that answered included.
 */
export function openNativeAnswer(): NativeAnswer {
  const relay = openAmended(extraFields)
  return {
    push: relay.push,
    end(extra) {
      const { bytes, isWhole } = relay.end(extra)
      return { bytes, ...reportOf(relay.noted, isWhole) }
    },
    usage: () => usageIn(relay.noted),
  }
}

/** Does the same with an answer that came in one piece, at a fraction of the cost. */
export function amendNativeAnswer(answer: Buffer, extra: Buffer): NativeReport & { readonly bytes: Buffer } {
  const { bytes, isWhole, noted } = amendAnswer(answer, extraFields, extra)
  return { bytes, ...reportOf(noted, isWhole) }
}

function reportOf(noted: AmendedAnswer['noted'], isWhole: boolean): NativeReport {
  const error = noted('error')
  return { usage: usageIn(noted), error: error === null || isNothing(error) ? null : error, isWhole }
}

function usageIn(noted: AmendedAnswer['noted']): PricedUsage | null {
  const usage = noted('usage')
  return usage === null ? null : readPricedUsage(usage, textIn(noted('service_tier')))
}

/** The text of a JSON string; null for any other value. */
export function textIn(value: Buffer | null): string | null {
  return value === null || value[0] !== quote ? null : decodeString(value, 1, value.length - 1)
}

function isNothing(error: Buffer): boolean {
  return error[0] !== quote && error[0] !== 0x7b
}
