import {
  openWorld,
  type ProcessWorld,
  type World,
  type WorldWish,
  withProcessWorld,
} from '../faults/world.ts'
import type { TestPlace } from '../setup/databases.ts'
import { type Receiver, startReceiver } from './receiver.ts'

export const secret = 'whsec_of_aurora'

/** A world whose operator can be heard. */
export interface BillingWorld extends World {
  /** A request to `/api/admin`. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
  admin(method: string, path: string, body?: object): Promise<{ status: number; body: any }>
}

/** A world for several tests, whose workspace has its events posted to a receiver; the place is its owner's. */
export async function openBillingWorld(
  wish: Omit<WorldWish, 'webhook'>,
  receiver: Receiver,
): Promise<BillingWorld> {
  return withAdmin(await openWorld({ ...wish, webhook: { url: receiver.url, secret } }))
}

/** Runs `work` in a world of its own whose workspace has its events posted to a receiver. */
export async function withReceiver<Place extends TestPlace>(
  database: { create(): Promise<Place> },
  wish: Omit<WorldWish, 'place' | 'webhook'>,
  work: (world: ProcessWorld, receiver: Receiver, place: Place) => Promise<void>,
): Promise<void> {
  const receiver = await startReceiver()
  try {
    await withProcessWorld(database, { ...wish, webhook: { url: receiver.url, secret } }, (world, place) =>
      work(world, receiver, place),
    )
  } finally {
    await receiver.close()
  }
}

/** The first page. */
// biome-ignore lint/suspicious/noExplicitAny: judged by what the tests expect
export async function deadLetters({ admin }: BillingWorld): Promise<any[]> {
  return (await admin('GET', '/dead-letters?limit=1000')).body.items
}

/** The first page. */
// biome-ignore lint/suspicious/noExplicitAny: judged by what the tests expect
export async function deliveries({ admin }: BillingWorld): Promise<any[]> {
  return (await admin('GET', '/deliveries?limit=1000')).body.items
}

function withAdmin(world: World): BillingWorld {
  const admin = async (method: string, path: string, body?: object) => {
    const { url, adminKey } = world.gateway
    const response = await fetch(`${url}/api/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }
  // The gateway changes with each start: the world's own getter has to stay one.
  return Object.defineProperty(world, 'admin', { value: admin }) as BillingWorld
}
