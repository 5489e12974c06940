import { createHmac } from 'node:crypto'
import type { Secret } from '../tenancy/sealing/secret.ts'

/** Signs a body's bytes with each secret: `v1=<hex>`, or `v1=<hex>,v1=<hex>` while an old secret is still valid. */
export function signatureOf(body: string, secrets: readonly Secret[]): string {
  return secrets
    .map((secret) => `v1=${createHmac('sha256', secret.reveal()).update(body, 'utf8').digest('hex')}`)
    .join(',')
}

/** Whether a receiver that knows one of the secrets would still accept a signature made earlier. */
export function isStillValid(signature: string, body: string, secrets: readonly Secret[]): boolean {
  const valid = new Set(signatureOf(body, secrets).split(','))
  return signature.split(',').some((part) => valid.has(part))
}
