import { type Slot, type Wanted, wantMembersAndOthers } from '../../json/scan.ts'
import type { NativeOperation } from './operation.ts'

/** How a body of one operation is read. */
export interface RequestShape {
  /** Every member that a provider may get to see, and those that are for us. Nothing else is passed on unasked. */
  readonly wanted: Wanted
  /** All of them, for a walk without looking each up. */
  readonly slots: readonly Slot[]
  /** Members of `wanted` that a provider never gets. */
  readonly ours: readonly string[]
  /** What the model is to work on. It must not be empty. */
  readonly subject: 'messages' | 'prompt' | 'input'
  /** Members of which any takes the place of the subject. */
  readonly insteadOfSubject: readonly string[]
  /** The caps on output tokens, the one that wins first. */
  readonly caps: readonly string[]
  /** Members that ask for so many answers at once. */
  readonly counts: readonly string[]
}

const ours = ['fallbacks', 'fallback_on'] as const

const chatMembers = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'temperature',
  'top_p',
  'top_k',
  'n',
  'stop',
  'max_tokens',
  'max_completion_tokens',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'seed',
  'user',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'functions',
  'function_call',
  'response_format',
  'reasoning',
  'reasoning_effort',
  'reasoning_max_tokens',
  'reasoning_display',
  'verbosity',
  'modalities',
  'audio',
  'prediction',
  'metadata',
  'store',
  'service_tier',
  'web_search_options',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prompt_cache_options',
  'safety_identifier',
  'cache_control',
  'mcp_servers',
  'container',
  'context_management',
  'task_budget',
  'speed',
  'inference_geo',
] as const

const completionMembers = [
  'model',
  'prompt',
  'stream',
  'stream_options',
  'suffix',
  'temperature',
  'top_p',
  'n',
  'best_of',
  'echo',
  'stop',
  'max_tokens',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'seed',
  'user',
] as const

const responsesMembers = [
  'model',
  'input',
  'instructions',
  'stream',
  'stream_options',
  'temperature',
  'top_p',
  'max_output_tokens',
  'max_tool_calls',
  'top_logprobs',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'reasoning',
  'text',
  'truncation',
  'include',
  'metadata',
  'store',
  'background',
  'conversation',
  'previous_response_id',
  'prompt',
  'context_management',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prompt_cache_options',
  'safety_identifier',
  'service_tier',
  'user',
] as const

const embeddingMembers = ['model', 'input', 'dimensions', 'encoding_format', 'user'] as const

function scanFor(...names: readonly string[]): Pick<RequestShape, 'wanted' | 'slots'> {
  const wanted = wantMembersAndOthers(...names)
  return { wanted, slots: Object.values(wanted.found) }
}

/** `metadata` counts as unknown where the operation has none, but is looked at all the same. */
export const requestShapes: Readonly<Record<NativeOperation, RequestShape>> = {
  chat_completion: {
    ...scanFor(...chatMembers, ...ours),
    ours,
    subject: 'messages',
    insteadOfSubject: [],
    caps: ['max_completion_tokens', 'max_tokens'],
    counts: ['n'],
  },
  text_completion: {
    ...scanFor(...completionMembers, ...ours, 'metadata'),
    ours,
    subject: 'prompt',
    insteadOfSubject: [],
    caps: ['max_tokens'],
    counts: ['n', 'best_of'],
  },
  responses: {
    ...scanFor(...responsesMembers, ...ours),
    ours,
    subject: 'input',
    insteadOfSubject: ['prompt', 'previous_response_id', 'conversation'],
    caps: ['max_output_tokens'],
    counts: [],
  },
  embedding: {
    ...scanFor(...embeddingMembers, ...ours, 'metadata'),
    ours,
    subject: 'input',
    insteadOfSubject: [],
    caps: [],
    counts: [],
  },
}
