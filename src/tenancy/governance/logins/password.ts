import { scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { RandomBytes } from '../../keys/random-text.ts'

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt)
const saltBytes = 16
const hashBytes = 32
/** 32 MiB and about a tenth of a second, off the thread of the requests. */
const cost = { N: 32_768, r: 8, p: 1 } as const

/** A password as it is stored: scrypt, with its cost and salt. */
export async function hashPassword(random: RandomBytes, password: string): Promise<string> {
  const salt = random(saltBytes)
  const hash = await derive(password, salt, hashBytes, withMemory(cost))
  const { N, r, p } = cost
  return ['scrypt', N, r, p, salt.toString('base64'), hash.toString('base64')].join('$')
}

/** Whether a password is the one that was hashed; what is no hash of ours is nobody's. */
export async function isPassword(stored: string, password: string): Promise<boolean> {
  const [kind, N, r, p, salt = '', hash = ''] = stored.split('$')
  if (kind !== 'scrypt') return false
  const expected = Buffer.from(hash, 'base64')
  const options = withMemory({ N: Number(N), r: Number(r), p: Number(p) })
  const found = await derive(password, Buffer.from(salt, 'base64'), expected.length, options)
  return timingSafeEqual(found, expected)
}

/** By default Node allows not quite as much as this cost takes. */
function withMemory(given: { readonly N: number; readonly r: number; readonly p: number }) {
  return { ...given, maxmem: 2 * 128 * given.N * given.r }
}
