/** What callers can have a model do, in the words of prices, permissions and answers. Streams are no kind of their own. */
export const requestTypes = [
  'chat_completion',
  'text_completion',
  'responses',
  'embedding',
  'rerank',
  'speech',
  'transcription',
  'image_generation',
  'image_variation',
  'image_edit',
  'video_generation',
  'video_remix',
] as const

export type RequestType = (typeof requestTypes)[number]
