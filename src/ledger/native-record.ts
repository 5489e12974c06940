/** What a call of the native door leaves beyond others, whether or not anything was used. Lists and objects are JSON. */
export interface NativeRecord {
  readonly virtualKeyId: string | null
  readonly teamId: string | null
  readonly customerId: string | null
  readonly providerKeyId: string | null
  readonly requestType: string
  readonly attempts: string
  readonly parseErrors: number
  /** Its price was known. */
  readonly isPriced: boolean
  /** What was used was estimated, and so its cost is. */
  readonly isCostEstimated: boolean
  readonly priceTerms: string
}

/** The columns of `native_calls` after `id`, `at` and `request_id`, in the order in which records hold their values. */
export const nativeColumns = [
  'virtual_key_id',
  'team_id',
  'customer_id',
  'provider_key_id',
  'request_type',
  'attempts',
  'parse_errors',
  'priced',
  'cost_estimated',
  'price_terms',
] as const

/** A native call as it is stored: the values of `nativeColumns`. */
export type NativeTuple = readonly (string | number | null)[]

export function nativeTuple(record: NativeRecord): NativeTuple {
  return [
    record.virtualKeyId,
    record.teamId,
    record.customerId,
    record.providerKeyId,
    record.requestType,
    record.attempts,
    record.parseErrors,
    record.isPriced ? 1 : 0,
    record.isCostEstimated ? 1 : 0,
    record.priceTerms,
  ]
}

/** Whether a value has as many members as a native call has columns: what they are is left to the database. */
export function isNativeTuple(value: unknown): value is NativeTuple {
  return Array.isArray(value) && value.length === nativeColumns.length
}
