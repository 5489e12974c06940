import type { z } from 'zod'
import type { Explanation } from '../api/admin/explain/schemas.ts'
import { askGateway, type GatewayAddress } from './ask-gateway.ts'
import { exitCodes } from './program.ts'

type Wire = z.output<typeof Explanation>

export interface ExplainWish {
  readonly prefix: string
  readonly model: string
  readonly workspace: string | null
}

/** Asks a gateway what a call would meet, and words the answer; as JSON it is what the gateway said. */
export async function explainCall(
  { prefix, model, workspace }: ExplainWish,
  address: GatewayAddress,
  asJson: boolean,
): Promise<{ readonly exitCode: number; readonly text: string }> {
  const query = new URLSearchParams({ prefix, model, ...(workspace !== null && { workspace }) })
  const answer = await askGateway(address, `/api/admin/explain?${query}`)
  if ('problem' in answer) return { exitCode: exitCodes[answer.problem], text: answer.message }
  const text = asJson ? JSON.stringify(answer.body, null, 2) : wordExplanation(answer.body as Wire)
  return { exitCode: exitCodes.done, text }
}

function wordExplanation({ verdict, key, group, model, endpoint, upstream, limits }: Wire): string {
  const { status, reason, opens_at } = verdict
  return [
    `${status}: ${reason}${opens_at === null ? '' : ` It opens at ${opens_at}.`}`,
    '',
    `key       ${key.prefix}${key.name === null ? '' : ` (${key.name})`}, workspace ${key.workspace_id}`,
    `group     ${group === null ? 'none' : `${group.id} (${group.external_entity_id}), ${group.limit_enforcement}`}`,
    `model     ${model}`,
    `endpoint  ${endpoint === null ? 'none' : `${endpoint.id}, ${endpoint.provider}, ${endpoint.region}`}`,
    `upstream  ${upstream === null ? 'none' : `${upstream.model} at ${upstream.base_url}`}`,
    ...(limits.length === 0 ? ['', 'No limit holds.'] : ['', ...wordLimits(limits)]),
  ].join('\n')
}

const heads = ['limit', 'ceiling', 'used', 'held', 'declared by', 'counted by', 'now']

function wordLimits(limits: Wire['limits']): string[] {
  const rows = limits.map((limit) => [
    `${limit.type}/${limit.unit}${limit.strict ? ' strict' : ''}`,
    String(limit.ceiling),
    String(limit.used),
    String(limit.held),
    limit.source_group,
    limit.counter_group,
    wordNow(limit),
  ])
  const table = [heads, ...rows]
  const widths = heads.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function wordNow({ refuses, only_held, opens_at }: Wire['limits'][number]): string {
  if (!refuses) return 'has room'
  if (only_held) return 'refuses until a call under way ends'
  return opens_at === null ? 'refuses for good' : `refuses until ${opens_at}`
}
