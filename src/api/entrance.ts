import { isUtf8 } from 'node:buffer'
import type { Failure } from '../domain/failure.ts'
import { isFailure } from '../domain/failure.ts'
import type { Clock } from '../domain/time.ts'
import type { AuthConfig, ClientConfig, JwtConfig, VirtualKeyFact } from '../tenancy/governance/facts.ts'
import {
  bearerOf,
  extractVirtualKey,
  isExpired,
  isTokenShaped,
  keyNamed,
} from '../tenancy/governance/logins/credentials.ts'
import { missingClaim, readToken } from '../tenancy/governance/logins/tokens.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import type { Operator } from '../tenancy/write.ts'
import { findOperator } from './authenticate.ts'
import { openPasswordCheck, type UserAndPassword } from './password-check.ts'
import type { Knock } from './serve.ts'

/** Who came in: an administrator, or a virtual key, which reads what is its own and nothing else. */
export type Principal =
  | {
      readonly kind: 'administrator'
      /** False where management is open, and nobody has said who they are. */
      readonly isAuthenticated: boolean
    }
  | { readonly kind: 'virtual_key'; readonly key: VirtualKeyFact }

/** Somebody who was let in. */
export interface Entry {
  readonly principal: Principal
  /** Who writes, for the audit. */
  readonly operator: Operator
}

/** The one door of everything under `/api`. */
export interface Entrance {
  admit(knock: Knock): Promise<Entry | Failure>
  /** As `admit`, of administrators alone: a virtual key has nothing to read there. */
  admitAdministrator(knock: Knock): Promise<Entry | Failure>
  /** Whether somebody may come in without saying who they are. */
  isOpen(): boolean
  /** Whether a request carries a session that holds. */
  hasSession(knock: Knock): Promise<boolean>
  /** Checks name and password where people log in with them. */
  checkPassword(given: UserAndPassword, auth: AuthConfig, address: string): Promise<Failure | null>
}

export interface EntranceParts {
  readonly tenancy: Tenancy
  readonly clock: Clock
  /** Whether management may stand open at all: strangers cannot reach it, or the operator insists. */
  readonly mayStandOpen: boolean
}

const closed: Failure = { failure: 'unauthenticated', reason: 'unknown' }
const foreign: Failure = { failure: 'forbidden', what: 'origin', name: '' }
const forbidden: Failure = { failure: 'forbidden', what: 'scope', name: '', message: 'Forbidden' }

export function openEntrance({ tenancy, clock, mayStandOpen }: EntranceParts): Entrance {
  const passwords = openPasswordCheck(clock, tenancy.digestOf)
  const world = () => tenancy.snapshot().governance
  const isOpen = () => mayStandOpen && world().auth?.isEnabled === false

  async function admit(knock: Knock): Promise<Entry | Failure> {
    const authorization = knock.header('authorization')
    const admin = findOperator(tenancy, authorization)
    if (admin !== null) return administrator(`admin_key:${admin.id}`)
    if (isOpen() || isLeftOpen(knock)) return knock.sender().isForeign ? foreign : nobody
    const shown = authorization === undefined ? null : await byAuthorization(authorization, knock)
    if (shown !== null) return shown
    const session = authorization === undefined ? await byCookie(knock) : null
    if (session !== null) return session
    return (await byVirtualKey(knock)) ?? { failure: 'unauthenticated', reason: 'missing' }
  }

  /** Null: it may still be a virtual key's. */
  async function byAuthorization(header: string, knock: Knock): Promise<Entry | Failure | null> {
    const { auth } = world()
    const bearer = bearerOf(header)
    const pair = basicOf(header)
    if (pair !== null) return byPassword(pair, auth, knock)
    if (bearer === null) return null
    if (auth?.jwt && isTokenShaped(bearer)) return byToken(bearer, auth.jwt, knock)
    return (await bySession(bearer, auth)) ?? (await byEncodedPair(bearer, auth, knock))
  }

  async function byPassword(
    pair: UserAndPassword,
    auth: AuthConfig | null,
    knock: Knock,
  ): Promise<Entry | Failure> {
    if (!auth?.isEnabled) return closed
    const failure = await passwords.judge(pair, auth, knock.sender().address)
    return failure ?? administrator(`admin_user:${auth.adminUsername}`)
  }

  /** User and password under `Bearer`, as earlier clients send them. What does not look like that is not tried. */
  async function byEncodedPair(bearer: string, auth: AuthConfig | null, knock: Knock) {
    const pair = auth?.isEnabled && isEncodedText(bearer) ? pairIn(bearer) : null
    return pair && byPassword(pair, auth, knock)
  }

  async function byToken(text: string, jwt: JwtConfig, knock: Knock): Promise<Entry | Failure> {
    const claims = await readToken(text, jwt, clock())
    if (isFailure(claims)) return claims
    if (claims.isAdministrator) return administrator(`admin_token:${claims.subject}`)
    if (claims.accessKey === null) return missingClaim('accessKey')
    return asReader(keyNamed(world(), claims.accessKey), knock)
  }

  async function bySession(token: string, auth: AuthConfig | null): Promise<Entry | null> {
    const session = auth?.isEnabled ? await tenancy.findSession(token) : null
    if (session === null || session.username !== auth?.adminUsername) return null
    return administrator(`admin_user:${session.username}`)
  }

  /** A browser sends cookies by itself, so what changes something must come from our own pages. */
  async function byCookie(knock: Knock): Promise<Entry | Failure | null> {
    const token = sessionCookie(knock)
    const entry = token === null ? null : await bySession(token, world().auth)
    if (entry === null || isRead(knock)) return entry
    return knock.sender().isCrossOrigin ? foreign : entry
  }

  async function byVirtualKey(knock: Knock): Promise<Entry | Failure | null> {
    const { auth } = world()
    const presented = extractVirtualKey(knock.header, (auth?.jwt ?? null) !== null)
    if (presented === null) return null
    if (presented.kind === 'token' && auth?.jwt) return byToken(presented.text, auth.jwt, knock)
    return asReader(world().findVirtualKey(tenancy.digestOf(presented.text), clock()), knock)
  }

  function asReader(key: VirtualKeyFact | null, knock: Knock): Entry | Failure {
    const mayRead = world().auth?.jwt?.allowVkReads ?? true
    if (key === null || !key.isActive || isExpired(key, clock()) || !mayRead) return closed
    if (!isRead(knock)) return forbidden
    return { principal: { kind: 'virtual_key', key }, operator: { actor: `virtual_key:${key.id}` } }
  }

  /** What the operator leaves open may be read by anybody; to write there, management must be allowed to stand open. */
  function isLeftOpen(knock: Knock): boolean {
    return isWhitelisted(world().client, knock.path) && (mayStandOpen || isRead(knock))
  }

  return {
    admit,
    async admitAdministrator(knock) {
      const entry = await admit(knock)
      return isFailure(entry) || entry.principal.kind === 'administrator' ? entry : forbidden
    },
    isOpen,
    async hasSession(knock) {
      const token = bearerOf(knock.header('authorization')) ?? sessionCookie(knock)
      return token !== null && (await bySession(token, world().auth)) !== null
    },
    checkPassword: passwords.judge,
  }
}

const nobody: Entry = {
  principal: { kind: 'administrator', isAuthenticated: false },
  operator: { actor: 'anybody' },
}

function administrator(actor: string): Entry {
  return { principal: { kind: 'administrator', isAuthenticated: true }, operator: { actor } }
}

function isRead({ method }: Knock): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** The session that a request's cookies carry, or had better: what is there is not yet known to hold. */
export function sessionCookie({ header }: Pick<Knock, 'header'>): string | null {
  return /(?:^|;\s*)token=([^;\s]+)/.exec(header('cookie') ?? '')?.[1] ?? null
}

function isWhitelisted({ whitelisted_routes = [] }: ClientConfig, path: string): boolean {
  return whitelisted_routes.some((route) =>
    route.endsWith('*') ? path.startsWith(route.slice(0, -1)) : path === route,
  )
}

function basicOf(header: string): UserAndPassword | null {
  const encoded = /^basic +(\S+)\s*$/i.exec(header)?.[1]
  return encoded === undefined ? null : (pairIn(encoded) ?? { username: '', password: '' })
}

function isEncodedText(text: string): boolean {
  const bytes = Buffer.from(text, 'base64')
  return isUtf8(bytes) && bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')
}

function pairIn(encoded: string): UserAndPassword | null {
  const [, username, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []
  return username === undefined || password === undefined ? null : { username, password }
}
