import type { KeyId, NodeId } from '../../domain/ids.ts'
import type { RefusedCall } from '../../ledger/fact-record.ts'
import type { Limited } from '../../limits/plan.ts'
import type { VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import type { Room } from '../room.ts'
import type { Journey, Target } from './journey.ts'

/** Whose a call is, in the columns that both doors fill: a virtual key stands in no group. */
export function payerOf(virtualKey: VirtualKeyFact | null, room: Room) {
  return {
    workspaceId: room.governanceWorkspace,
    keyId: (virtualKey?.id ?? '') as KeyId,
    keyPrefix: virtualKey?.name ?? '',
  }
}

export function refusedCall(
  { call, virtualKey, ask }: Journey,
  { provider }: Target,
  { judged, opensAt, onlyHeld }: Limited,
  room: Room,
): RefusedCall {
  const { workspaceId, keyId } = payerOf(virtualKey, room)
  return {
    workspaceId,
    requestId: call.id,
    keyId,
    nodeId: '' as NodeId,
    model: ask.request.model,
    provider,
    opensAt,
    onlyHeld,
    judged,
  }
}
