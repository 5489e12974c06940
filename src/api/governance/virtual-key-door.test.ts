import { createHash } from 'node:crypto'
import { SignJWT } from 'jose'
import { expect, test } from 'vitest'
import type { VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import {
  advanceGovernance,
  emptyGovernanceWorld,
  noGovernanceChanges,
} from '../../tenancy/governance/world.ts'
import { Secret } from '../../tenancy/sealing/secret.ts'
import type { GovernanceServices } from './route.ts'
import { virtualKeyDoor } from './virtual-key-door.ts'

const now = 1_000_000
const digestOf = (text: string) => createHash('sha256').update(text).digest()

function key(id: string, over: Partial<VirtualKeyFact> = {}): VirtualKeyFact {
  return {
    id,
    name: `key ${id}`,
    description: '',
    digest: digestOf(`sk-bf-${id}`),
    sealedValue: '',
    previous: null,
    isActive: true,
    teamId: null,
    customerId: null,
    calendarAligned: false,
    expiresAt: null,
    providerConfigs: [],
    mcpConfigs: [],
    budgets: [],
    rateLimit: null,
    configHash: null,
    createdAt: 0,
    updatedAt: 0,
    ...over,
  }
}

const keys = [key('live'), key('asleep', { isActive: false }), key('late', { expiresAt: now })]
const governance = advanceGovernance(emptyGovernanceWorld(), {
  ...noGovernanceChanges,
  virtualKeys: new Map(keys.map((fact) => [fact.id, fact])),
  auth: {
    isEnabled: true,
    adminUsername: '',
    adminPasswordHash: '',
    disableAuthOnInference: false,
    jwt: {
      key: { secret: new Secret('shared') },
      issuer: null,
      audience: null,
      tenant: null,
      adminRoles: ['admin'],
      leewayMs: 0,
      allowVkReads: false,
    },
  },
})
const services = {
  tenancy: { snapshot: () => ({ governance }), digestOf },
  clock: () => now,
} as unknown as GovernanceServices

const knock = (headers: Readonly<Record<string, string>>) =>
  virtualKeyDoor(services).admit({
    method: 'GET',
    path: '/api/governance/virtual-keys/quota',
    header: (name) => headers[name],
    sender: () => ({ address: '', isForeign: true, isCrossOrigin: true }),
  })
const token = (claims: object) =>
  new SignJWT({ tenantId: 'acme', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from('shared'))

test('a virtual key comes in by its value or by a token, asleep or not', async () => {
  for (const id of ['live', 'asleep']) {
    for (const headers of [
      { 'x-bf-vk': `sk-bf-${id}` },
      { authorization: `Bearer ${await token({ accessKey: id })}` },
      { 'api-key': await token({ accessKey: `key ${id}` }) },
    ])
      expect(await knock(headers)).toMatchObject({ principal: { kind: 'virtual_key', key: { id } } })
  }
})

test('nothing else does', async () => {
  const closed = (message: string) => expect.objectContaining({ failure: 'unauthenticated', message })
  expect(await knock({ authorization: 'Bearer an-admin-key' })).toEqual(
    closed(
      'Missing virtual key. Provide it via x-bf-vk header, Authorization Bearer, x-api-key, x-goog-api-key, or api-key header.',
    ),
  )
  expect(await knock({ 'x-bf-vk': 'an-admin-key' })).toEqual(closed('Virtual key not found'))
  expect(await knock({ 'x-bf-vk': await token({ accessKey: 'nobody' }) })).toEqual(
    closed('Virtual key not found'),
  )
  expect(await knock({ 'x-bf-vk': await token({ roles: ['admin'] }) })).toEqual(
    closed('invalid tenant token: token missing accessKey claim'),
  )
  expect(await knock({ 'x-bf-vk': 'sk-bf-late' })).toMatchObject({
    failure: 'forbidden',
    message: 'Virtual key has expired',
  })
})
