import { parseResetDuration } from '../../../limits/duration.ts'
import type { ClientConfig } from '../facts.ts'

const nanosecondsPerMs = 1_000_000

/** How long a virtual key's old value goes on after a rotation. What is written as none ends it at once. */
export function rotationGraceMs({ vk_rotation_cooldown = 0 }: ClientConfig): number {
  if (typeof vk_rotation_cooldown === 'number') {
    return Math.max(0, Math.ceil(vk_rotation_cooldown / nanosecondsPerMs))
  }
  const duration = parseResetDuration(vk_rotation_cooldown)
  return duration === null || duration.unit === 'never' ? 0 : duration.lengthMs
}
