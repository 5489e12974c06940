import type { RequestType } from '../../domain/request-type.ts'

/** What the native door can have an OpenAI-compatible provider do. */
export type NativeOperation = Extract<
  RequestType,
  'chat_completion' | 'text_completion' | 'responses' | 'embedding'
>
