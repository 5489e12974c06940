/** An error as the native door tells of it. */
export interface NativeError {
  /** Names the call; null leaves it out. */
  readonly eventId: string | null
  readonly type: string | null
  /** The gateway itself has failed, rather than the caller, a limit or the provider. */
  readonly isBifrostError: boolean
  readonly statusCode: number
  readonly error: NativeErrorDetail
  /** A JSON object. */
  readonly extraFields: Buffer
}

/** What is wrong, as OpenAI's own errors have it. What is null is left out, but for `param`. */
export interface NativeErrorDetail {
  readonly type: string | null
  readonly code: string | null
  readonly message: string
  /** Left out where it is undefined. */
  readonly param?: string | null
}

const end = Buffer.from('}')
const frameStart = Buffer.from('data: ')
const frameEnd = Buffer.from('\n\n')

/** The body of an error, its members in the published order. */
export function nativeErrorBody(failure: NativeError): Buffer {
  const { eventId, type, isBifrostError, statusCode, error } = failure
  const event = eventId === null ? {} : { event_id: eventId }
  const head = {
    ...event,
    ...(type === null ? {} : { type }),
    is_bifrost_error: isBifrostError,
    status_code: statusCode,
    error: {
      ...(error.type === null ? {} : { type: error.type }),
      ...(error.code === null ? {} : { code: error.code }),
      message: error.message,
      ...(error.param === undefined ? {} : { param: error.param }),
      ...event,
    },
  }
  const text = JSON.stringify(head)
  return Buffer.concat([Buffer.from(`${text.slice(0, -1)},"extra_fields":`), failure.extraFields, end])
}

/** The same as the last event of a stream that has begun. */
export function nativeErrorFrame(failure: NativeError): Buffer {
  return Buffer.concat([frameStart, nativeErrorBody(failure), frameEnd])
}
