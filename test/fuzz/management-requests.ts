import { sign } from 'node:crypto'
import { gatewayContract, type Json, type Operation } from '../setup/contract.ts'
import type { Dice } from './mutations.ts'

/** What a request may be about: what its sender has made and not deleted, and what belongs to others. */
export interface Known {
  /** Names made by this sender begin so. */
  readonly name: string
  readonly groups: string[]
  readonly endpoints: string[]
  /** Each as `group prefix`. */
  readonly keys: string[]
  readonly slugs: readonly string[]
  /** Ids of another workspace's, and of nobody's. */
  readonly foreign: readonly string[]
}

export interface ManagementRequest {
  readonly method: string
  /** As it goes out, percent-encoded or not. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | null
}

/** Signs bodies of registrations, with the private key to the workspace's public one. */
export type SigningKey = Parameters<typeof sign>[2]

const methods = ['GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'OPTIONS']
const slugs = 6
const mostGroups = 60
/** What makes the trees whose rules are looked after. */
const shaping = ['PostGatewayGroups', 'PatchGatewayGroups']

/** Makes requests of what the document says: right ones, nearly right ones, and hostile ones. */
export function requestMaker(dice: Dice, known: Known, authorization: string, signingKey: SigningKey) {
  let serial = 0
  const { operations, document } = gatewayContract()

  return function next(): ManagementRequest {
    const operation = pickOperation()
    const mood = dice.roll(100)
    const spoil = mood < 45 ? 0 : mood < 80 ? 1 : 3
    const method = spoil > 0 && dice.onceIn(15) ? dice.pick(methods) : operation.method
    const body = operation.body === null ? null : bodyOf(operation.body, spoil)
    return {
      method,
      path: `${pathOf(operation, spoil)}${queryOf(operation, spoil)}`,
      headers: headersOf(operation, spoil, body),
      body: method === 'GET' || method === 'OPTIONS' ? null : body,
    }
  }

  /** Groups are deleted more often once there are many, so that trees stay small enough to be looked through. */
  function pickOperation(): Operation {
    if (known.groups.length > mostGroups && dice.onceIn(4)) {
      const deletion = operations.find(({ id }) => id === 'DeleteGatewayGroups')
      if (deletion) return deletion
    }
    if (dice.onceIn(3)) return dice.pick(operations.filter(({ id }) => shaping.includes(id)))
    const operation = dice.pick(operations)
    return operation.id === 'DeleteGatewayGroups' && !dice.onceIn(8) ? dice.pick(operations) : operation
  }

  function pathOf({ path, parameters }: Operation, spoil: number): string {
    const [keyGroup = '', keyPrefix = ''] = (known.keys.length > 0 ? dice.pick(known.keys) : ' ').split(' ')
    const isOfKey = path.includes('{api_key_prefix}')
    const values: Record<string, readonly string[]> = {
      group_id: isOfKey && keyGroup !== '' ? [keyGroup] : known.groups,
      api_key_prefix: keyPrefix === '' ? [] : [keyPrefix],
      endpoint_id: known.endpoints,
    }
    return parameters
      .filter((parameter) => parameter.in === 'path')
      .reduce((whole, { name }) => {
        const ours = values[name] ?? []
        const value =
          spoil > 0 && dice.onceIn(5)
            ? dice.pick([...hostilePaths, ...known.foreign.map(encodeURIComponent)])
            : ours.length > 0
              ? encodeURIComponent(dice.pick(ours))
              : 'unknown'
        return whole.replace(`{${name}}`, () => value)
      }, path)
  }

  function queryOf({ parameters }: Operation, spoil: number): string {
    const pairs = parameters
      .filter((parameter) => parameter.in === 'query' && !dice.onceIn(2))
      .flatMap(({ name, schema }) => {
        const value = spoil > 0 && dice.onceIn(3) ? dice.pick(hostileTexts) : String(someOf(schema, name, 0))
        const pair = `${name}=${encodeQuery(value)}`
        return spoil > 0 && dice.onceIn(10) ? [pair, pair] : [pair]
      })
    if (spoil > 0 && dice.onceIn(12))
      pairs.push(dice.pick(['%', '=', '&&&', 'a[b]=c', '%00=%ff', 'limit', 'limit=%zz']))
    return pairs.length > 0 ? `?${pairs.join('&')}` : ''
  }

  function encodeQuery(value: string): string {
    return encodeURIComponent(value.toWellFormed())
  }

  function headersOf({ parameters }: Operation, spoil: number, body: string | Buffer | null) {
    const headers: Record<string, string> = { authorization, 'content-type': 'application/json' }
    if (parameters.some(({ name }) => name === 'X-Baseten-Signature'))
      headers['x-baseten-signature'] =
        spoil > 0 && dice.onceIn(3)
          ? 'AAAA'
          : sign(null, Buffer.from(body ?? ''), signingKey).toString('base64')
    if (spoil > 0 && dice.onceIn(20))
      headers.authorization = dice.pick([
        '',
        'Bearer',
        'Api-Key x',
        'Basic OjpeOg==',
        `Api-Key ${'k'.repeat(5000)}`,
      ])
    if (spoil > 0 && dice.onceIn(20))
      headers['content-type'] = dice.pick([
        'text/plain',
        'application/json; charset=utf-16',
        '',
        'multipart/form-data',
      ])
    if (spoil > 0 && dice.onceIn(20))
      headers['x-tollgate-workspace'] = dice.pick(['borealis', 'nobody', '\u00ff', ''])
    return headers
  }

  function bodyOf(schema: Json, spoil: number): string | Buffer {
    let value = placed(someOf(schema, '', 0))
    for (let times = 0; times < spoil; times++) value = spoiled(value)
    const text = JSON.stringify(value) ?? ''
    return spoil > 0 && dice.onceIn(6) ? spoiltText(text) : text
  }

  /** A new group mostly comes where it may stand, so that there are trees whose limits can be in each other's way. */
  function placed(body: unknown): unknown {
    const { hierarchy } = body as { hierarchy?: Json | null }
    if (!hierarchy || dice.onceIn(6)) return body
    const isRoot = known.groups.length === 0 || dice.onceIn(5)
    const mode = dice.onceIn(4) ? 'INDEPENDENT' : 'CASCADING'
    return {
      ...(body as object),
      hierarchy: isRoot ? { limit_enforcement: mode } : { parent_group_id: dice.pick(known.groups) },
    }
  }

  /** A value that a schema allows, of our own things where a name says which are meant. */
  function someOf(schema: Json, name: string, depth: number): unknown {
    const { $ref, const: only, enum: choices, oneOf, anyOf, type, properties } = schema
    if (typeof $ref === 'string') return someOf(dereferenced($ref), name, depth)
    if (only !== undefined) return only
    if (Array.isArray(choices)) return dice.pick(choices)
    const alternatives = (oneOf ?? anyOf) as Json[] | undefined
    if (alternatives) return someOf(dice.pick(alternatives), name, depth)
    const types = Array.isArray(type) ? (type as string[]) : [type]
    const chosen = types.length > 1 && dice.onceIn(3) ? dice.pick(types) : types[0]
    if (chosen === 'object')
      return objectOf(properties as Record<string, Json>, schema.required as string[], depth)
    if (chosen === 'array') return arrayOf(schema, name, depth)
    if (chosen === 'integer' || chosen === 'number')
      return dice.pick([1, 2, 10, 50, 100, 1000, Number(schema.minimum ?? 0)])
    if (chosen === 'boolean') return dice.onceIn(2)
    return chosen === 'null' || chosen === undefined ? null : textFor(name)
  }

  function objectOf(
    properties: Record<string, Json> = {},
    required: readonly string[] = [],
    depth: number,
  ): object {
    const members = Object.entries(properties).filter(
      ([name, { readOnly }]) => required.includes(name) || (readOnly !== true && !dice.onceIn(3)),
    )
    return Object.fromEntries(members.map(([name, schema]) => [name, someOf(schema, name, depth + 1)]))
  }

  /** Of what must not stand twice in a list, one of a kind. */
  function arrayOf({ items, prefixItems, minItems = 0 }: Json, name: string, depth: number): unknown[] {
    if (Array.isArray(prefixItems)) return prefixItems.map((item) => someOf(item, name, depth + 1))
    const count = Math.max(Number(minItems), dice.roll(3))
    const all = Array.from({ length: count }, () => someOf((items ?? {}) as Json, name, depth + 1))
    const kindOf = (item: unknown) =>
      JSON.stringify([(item as Json | null)?.slug, (item as Json | null)?.type])
    return dice.onceIn(10) ? all : [...new Map(all.map((item) => [kindOf(item), item])).values()]
  }

  function textFor(name: string): string {
    switch (name) {
      case 'slug':
        return dice.onceIn(3) ? `aurora/${known.name}-${dice.roll(slugs)}` : dice.pick(known.slugs)
      case 'parent_group_id':
        return known.groups.length > 0 && !dice.onceIn(8) ? dice.pick(known.groups) : dice.pick(known.foreign)
      case 'external_entity_id':
        return `${known.name}-${dice.onceIn(6) ? dice.roll(20) : ++serial}`
      case 'model_id':
        return 'lumen'
      case 'environment_name':
        return dice.pick(['production', 'canary', 'nowhere'])
      case 'secret_id':
        return 'sec_vendor'
      case 'base_url':
        return 'https://llm.example.com/v1'
      case 'key':
        return Array.from({ length: 40 }, () => String.fromCharCode(0x21 + dice.roll(94))).join('')
      case 'start_time':
        return new Date(Date.UTC(2026, 10, 2) - dice.roll(10 ** 7)).toISOString()
      default:
        return dice.onceIn(4) ? dice.pick(hostileTexts) : `text ${dice.roll(1000)}`
    }
  }

  /** The value with one thing in it changed for the worse. */
  function spoiled(value: unknown): unknown {
    if (Array.isArray(value) && value.length > 0 && !dice.onceIn(3)) {
      const at = dice.roll(value.length)
      if (dice.onceIn(3)) return [...value, value[at]]
      return value.map((item, index) => (index === at ? spoiled(item) : item))
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && !dice.onceIn(5)) {
      const entries = Object.entries(value)
      const kind = dice.roll(5)
      if (entries.length === 0 || kind === 0)
        return { ...value, [dice.pick(hostileNames)]: dice.pick(hostileValues) }
      const [name, member] = dice.pick(entries)
      if (kind === 1) return Object.fromEntries(entries.filter(([other]) => other !== name))
      return { ...value, [name]: spoiled(member) }
    }
    return dice.pick(hostileValues)
  }

  function spoiltText(text: string): string | Buffer {
    switch (dice.roll(9)) {
      case 0:
        return text.slice(0, dice.roll(text.length + 1))
      case 1:
        return `${'['.repeat(20_000)}${text}`
      case 2:
        return text.replace('{', `{"metadata":{"external_entity_id":"twice"},"slug":"aurora/twice",`)
      case 3:
        return `${text}${text}`
      case 4:
        return text.replace('"', '"\\ud800')
      case 5:
        return Buffer.concat([
          Buffer.from(text.slice(0, 5)),
          Buffer.from([0xff, 0xc0, 0x80]),
          Buffer.from(text.slice(5)),
        ])
      case 6:
        return ''
      case 7:
        return `{"metadata":{"name":"${'x'.repeat(dice.onceIn(4) ? 2 ** 20 : 70_000)}"}}`
      default:
        return `\ufeff${text.replaceAll(':', ': \u00a0')}`
    }
  }

  function dereferenced(reference: string): Json {
    return reference
      .slice(2)
      .split('/')
      .reduce<Json>((at, part) => at[part] as Json, document)
  }
}

const hostileTexts = [
  '',
  ' ',
  '\0',
  'x'.repeat(255),
  'x'.repeat(256),
  'x'.repeat(20_000),
  '\ud800',
  '👩‍👩‍👧‍👦'.repeat(40),
  '\u202egnirts',
  "'; drop table nodes; --",
  '%00%ff',
  '../../etc/passwd',
  '__proto__',
  '{{7*7}}',
  '-1',
  '1e999',
  '2026-13-45T99:99:99Z',
  '1000',
  '1001',
  '0',
]
const hostileNames = [
  '__proto__',
  'constructor',
  'hierarchy',
  'models',
  '',
  '\0',
  'id',
  'effective_models',
  'strict',
  'toString',
]
const hostileValues: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, -0, [], {}, [[]], [null], { length: 1 }],
  ...hostileTexts,
]
const hostilePaths = [
  ...['', '.', '..', '%2e%2e', '%00', '%ff', '%', '%zz', '%2F', 'a%2Fb', '%F0%9F%92%A9', '*', '{group_id}'],
  ...['null', 'undefined', '0', '-1', 'x'.repeat(3000), "'%20or%201=1--", '%ED%A0%80', 'a;b=c', 'a:b', '@'],
]
