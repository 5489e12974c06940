import { expect, test } from 'vitest'
import { adminContract, expectDocumented, gatewayContract, governanceContract } from '../setup/contract.ts'

const path = '/v1/gateway/groups/g_1'
const deleted = {
  id: 'g_1',
  metadata: { name: null, external_entity_id: 'customer' },
  deleted_at: '2026-11-02T08:15:00Z',
}
const judge = (status: number, body: unknown, method = 'DELETE', at = path) =>
  expectDocumented(method, at, status, JSON.stringify(body))

test('an answer that the document promises passes', () => {
  expect(() => judge(200, deleted)).not.toThrow()
  expect(() => judge(404, { code: 'NOT_FOUND', message: 'There is no such group.' })).not.toThrow()
  expect(() => judge(405, { code: 'METHOD_NOT_ALLOWED', message: 'No.' }, 'PUT')).not.toThrow()
})

test.each<[string, () => void]>([
  ['a status that is not documented', () => judge(201, deleted)],
  ['a member that is missing', () => judge(200, { ...deleted, deleted_at: undefined })],
  ['a member that is not documented', () => judge(200, { ...deleted, secret: 'x' })],
  ['one further down', () => judge(200, { ...deleted, metadata: { ...deleted.metadata, x: 1 } })],
  ['a member of another type', () => judge(200, { ...deleted, id: 1 })],
  ['a time that is none', () => judge(200, { ...deleted, deleted_at: 'yesterday' })],
  ['a refusal in other words', () => judge(404, { error: 'nothing' })],
  ['success where there is nothing', () => judge(200, {}, 'GET', '/v1/gateway/nothing')],
])('%s does not', (_name, judged) => {
  expect(judged).toThrow(/answers/)
})

test('operations are named by method and path, each once', () => {
  const ids = gatewayContract().operations.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toEqual(
    expect.arrayContaining([
      'PostGatewayGroups',
      'GetGatewayGroupsGroupId',
      'PatchGatewayEndpoints',
      'DeleteGatewayGroupsApiKeys',
    ]),
  )
  for (const { id, method } of gatewayContract().operations) {
    const verb = `${method[0]}${method.slice(1).toLowerCase()}`
    expect(id).toMatch(new RegExp(`^${verb}(?:Gateway|AuditLogs)`))
  }
})

test.each([
  ['gateway', gatewayContract],
  ['admin', adminContract],
  ['governance', governanceContract],
])('every answer of the %s API has a schema that answers can be held against', (_name, contract) => {
  const { operations, problem } = contract()
  for (const validator of [problem, ...operations.flatMap(({ answers }) => [...answers.values()])]) {
    expect(validator()).toBeTypeOf('function')
  }
})
