import { Agent, request } from 'node:http'
import type { Script } from '../fake-upstream.ts'
import type { BudgetWish, Governed, RateLimitWish } from '../setup/governance.ts'

// Customers, teams and virtual keys made through the management API of a running gateway, and calls in their name.

/** Who may have a budget, from the top. */
export const levels = ['customer', 'team', 'virtual key', 'provider config'] as const
export type Level = (typeof levels)[number]

export interface Limits {
  readonly budgets?: readonly (Omit<BudgetWish, 'max_limit'> & { readonly max_limit: number })[]
  readonly rate_limit?: RateLimitWish
}

/** A virtual key in a team of a customer, with one provider config. */
export interface Spender {
  readonly name: string
  readonly customerId: string
  readonly teamId: string
  readonly keyId: string
  readonly configId: number
  readonly value: string
  /** Ids of the budgets of each level, in the order of their windows. */
  readonly budgets: Readonly<Record<Level, readonly string[]>>
}

export interface Managed {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
  readonly body: any
}

/** Asks the governance API as an administrator. A body that is a text is sent as it is. */
export async function manage(
  { gateway }: Pick<Governed, 'gateway'>,
  method: string,
  path: string,
  body?: object | string,
): Promise<Managed> {
  const response = await fetch(`${gateway.url}/api/governance${path}`, {
    method,
    headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}

/** The same, where nothing else than success will do. */
export async function change(
  world: Pick<Governed, 'gateway'>,
  method: string,
  path: string,
  body?: object | string,
): Promise<Managed['body']> {
  const answer = await manage(world, method, path, body)
  if (answer.status >= 300)
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** Prices all chats with some models of OpenAI. Prices are the texts of JSON numbers, in dollars per unit. */
export async function setPrices(
  world: Pick<Governed, 'gateway'>,
  model: string,
  sheet: Readonly<Record<string, string>>,
): Promise<void> {
  const patch = Object.entries(sheet).map(([field, price]) => `"${field}":${price}`)
  const members = JSON.stringify({
    name: `prices of ${model}`,
    scope_kind: 'provider',
    provider_id: 'openai',
    match_type: 'exact',
    pattern: model,
    request_types: ['chat_completion'],
  })
  await change(world, 'POST', '/pricing-overrides', `${members.slice(0, -1)},"patch":{${patch}}}`)
}

let made = 0

/** Makes one of each, with the limits that are given for each level. */
export async function makeSpender(
  world: Pick<Governed, 'gateway'>,
  limits: Partial<Record<Level, Limits>>,
): Promise<Spender> {
  const name = `spender-${++made}`
  const { customer } = await change(world, 'POST', '/customers', { name, ...limits.customer })
  const { team } = await change(world, 'POST', '/teams', { name, customer_id: customer.id, ...limits.team })
  const { virtual_key: key } = await change(world, 'POST', '/virtual-keys', {
    name,
    team_id: team.id,
    ...limits['virtual key'],
    provider_configs: [
      {
        provider: 'openai',
        weight: 1,
        allowed_models: ['*'],
        key_ids: ['*'],
        ...limits['provider config'],
      },
    ],
  })
  const [config] = key.provider_configs
  const idsOf = ({ budgets = [] }: { budgets?: readonly { id: string }[] }) => budgets.map(({ id }) => id)
  return {
    name,
    customerId: customer.id,
    teamId: team.id,
    keyId: key.id,
    configId: config.id,
    value: key.value,
    budgets: {
      customer: idsOf(customer),
      team: idsOf(team),
      'virtual key': idsOf(key),
      'provider config': idsOf(config),
    },
  }
}

/** What came of a call, its answer read to the end. */
export interface Answered {
  readonly status: number
  readonly text: string
  header(name: string): string | null
  /** Our id of the call: its usage event has it. */
  readonly requestId: string
  /** The provider's id of its answer. */
  readonly servedAs: string
}

/** Connections of our own, so that as many calls are under way at once as are meant to be. */
export interface Line {
  /** The script is the provider's, for this call alone. */
  call(value: string, body: object, script?: Script): Promise<Answered>
  close(): void
}

export function openLine({ gateway }: Pick<Governed, 'gateway'>, connections: number): Line {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return {
    call(value, body, script) {
      const text = JSON.stringify(body)
      return new Promise((resolve, reject) => {
        const headers = {
          'x-bf-vk': value,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
          ...(script && { 'openai-fake': JSON.stringify(script) }),
        }
        const sent = request(
          `${gateway.url}/v1/chat/completions`,
          { agent, method: 'POST', headers },
          (response) => {
            const parts: Buffer[] = []
            const header = (name: string) => (response.headers[name] as string | undefined) ?? null
            response.on('data', (part: Buffer) => parts.push(part))
            response.once('error', reject)
            response.once('end', () =>
              resolve({
                status: response.statusCode ?? 0,
                text: Buffer.concat(parts).toString(),
                header,
                requestId: header('x-tollgate-request-id') ?? '',
                servedAs: header('x-tollgate-upstream-request-id')?.slice('req-'.length) ?? '',
              }),
            )
          },
        )
        sent.once('error', reject)
        sent.end(text)
      })
    },
    close: () => agent.destroy(),
  }
}

/** Picodollars of what is stored or charged as two integers. */
export function picoOf(whole: number, pico: number): bigint {
  return BigInt(whole) * 1_000_000n + BigInt(pico)
}

/** What each of some counters has been charged in all, in picodollars, as the database has it. */
export async function chargedTo(
  world: Governed,
  counters: readonly string[],
  until: (charged: ReadonlyMap<string, bigint>) => boolean,
): Promise<ReadonlyMap<string, bigint>> {
  return world.read(async (database) => {
    const rows = await database
      .selectFrom('rollups')
      .select(['counter', 'used_whole', 'used_pico'])
      .where('counter', 'in', counters)
      .execute()
    const charged = new Map(counters.map((counter) => [counter, 0n]))
    for (const { counter, used_whole, used_pico } of rows) {
      charged.set(counter, (charged.get(counter) ?? 0n) + picoOf(used_whole, used_pico))
    }
    return charged
  }, until)
}
