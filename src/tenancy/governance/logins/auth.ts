import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { Context } from '../../context.ts'
import { seal } from '../../sealing/sealing.ts'
import type { Operator } from '../../write.ts'
import { lockGovernance, ofInstallation, type ProcessContext } from '../context.ts'
import { resolveText } from '../routing/variables.ts'
import {
  readSetting,
  type StoredAuth,
  type StoredJwt,
  tokenSecretPlace,
  writeSetting,
} from '../settings.sql.ts'
import { hashPassword } from './password.ts'
import { deleteAllSessions } from './sessions.sql.ts'
import { badPublicKey } from './tokens.ts'

/** How people come in, as it is written; what is left out stays as it is. */
export interface AuthSettings {
  readonly is_enabled?: boolean | undefined
  readonly admin_username?: string | undefined
  readonly admin_password?: string | undefined
  readonly disable_auth_on_inference?: boolean | undefined
  /** Null: tokens are not read any more. */
  readonly jwt?: JwtSettings | null | undefined
}

/** Whose tokens are believed: those of one secret, or of one public key. */
export interface JwtSettings {
  readonly secret?: string | undefined
  readonly public_key?: string | undefined
  readonly issuer?: string | null | undefined
  readonly audience?: string | null | undefined
  readonly tenant?: string | null | undefined
  readonly admin_roles?: readonly string[] | undefined
  /** A duration such as `30s`. */
  readonly leeway?: string | undefined
  readonly allow_vk_reads?: boolean | undefined
}

export interface Auth {
  /** Whoever had logged in has to do so again where user name or password changed, or logins ended. */
  setAuth(operator: Operator, settings: AuthSettings): Promise<true | Failure>
}

/** What stands for a secret wherever it is shown, and keeps it where it is written back. */
export const redactedSecret = '<redacted>'

const untouched: StoredAuth = {
  isEnabled: false,
  adminUsername: '',
  adminPasswordHash: '',
  disableAuthOnInference: false,
  jwt: null,
}
const longestLeewayMs = 300_000

export function authOf(context: ProcessContext): Auth {
  const { write, random, variable } = context

  return {
    async setAuth(operator, settings) {
      const resolved = resolveSecrets(settings, variable)
      if (isFailure(resolved)) return resolved
      const { admin_password } = resolved
      const isKept = admin_password === undefined || admin_password === redactedSecret
      if (admin_password === '') return invalid('admin_password', 'must not be empty')
      // Takes a while, so it is not done within the transaction.
      const hash = isKept ? null : await hashPassword(random, admin_password)
      return write<true>(ofInstallation(operator), async (it) => {
        await lockGovernance(it)
        const stored = await readSetting<StoredAuth>(it.transaction, 'auth_config')
        const next = changed(context, stored ?? untouched, resolved, hash)
        if (isFailure(next)) return next
        const stamp = await it.begin()
        await writeSetting(it.transaction, 'auth_config', next, stamp)
        if (endsLogins(stored ?? untouched, next)) await deleteAllSessions(it.transaction)
        await it.audit('AUTH_CONFIGURED', 'auth_config', {
          is_enabled: next.isEnabled,
          admin_username: next.adminUsername,
          jwt: next.jwt !== null,
        })
        return true
      })
    },
  }
}

/** A variable that is not set would lock people out, or let others in: it is refused. */
function resolveSecrets(
  settings: AuthSettings,
  variable: ProcessContext['variable'],
): AuthSettings | Failure {
  const unset: string[] = []
  const text = (given: string | undefined, member: string): string | undefined => {
    if (given === undefined) return undefined
    const found = resolveText(given, variable)
    if (found === undefined) unset.push(member)
    return found
  }
  const { jwt } = settings
  const resolved = {
    ...settings,
    admin_username: text(settings.admin_username, 'admin_username'),
    admin_password: text(settings.admin_password, 'admin_password'),
    jwt: jwt && {
      ...jwt,
      secret: text(jwt.secret, 'jwt.secret'),
      public_key: text(jwt.public_key, 'jwt.public_key'),
    },
  }
  const [member] = unset
  return member === undefined ? resolved : invalid(member, 'the variable is not set in the environment')
}

function changed(
  context: Pick<Context, 'keyring' | 'random'>,
  stored: StoredAuth,
  settings: AuthSettings,
  passwordHash: string | null,
): StoredAuth | Failure {
  const jwt =
    settings.jwt === undefined ? stored.jwt : settings.jwt && changedJwt(context, stored.jwt, settings.jwt)
  if (isFailure(jwt)) return jwt
  const next: StoredAuth = {
    isEnabled: settings.is_enabled ?? stored.isEnabled,
    adminUsername: settings.admin_username ?? stored.adminUsername,
    adminPasswordHash: passwordHash ?? stored.adminPasswordHash,
    disableAuthOnInference: settings.disable_auth_on_inference ?? stored.disableAuthOnInference,
    jwt,
  }
  if (next.adminUsername.includes(':')) return invalid('admin_username', 'must not hold a colon')
  const hasLogin = next.adminUsername !== '' && next.adminPasswordHash !== ''
  if (next.isEnabled && !hasLogin && next.jwt === null)
    return invalid('admin_username', 'and admin_password are required where is_enabled is true')
  return next
}

function changedJwt(
  { keyring, random }: Pick<Context, 'keyring' | 'random'>,
  stored: StoredJwt | null,
  settings: JwtSettings,
): StoredJwt | Failure {
  const { secret, public_key } = settings
  const brings = secret !== undefined && secret !== redactedSecret
  if (brings && public_key) return invalid('jwt', 'takes a secret or a public_key, not both')
  if (brings && secret === '') return invalid('jwt.secret', 'must not be empty')
  const fault = public_key ? badPublicKey(public_key) : null
  if (fault !== null) return invalid('jwt.public_key', fault)
  const key = brings
    ? { sealedSecret: seal(keyring, random, secret, tokenSecretPlace) }
    : public_key
      ? { publicKey: public_key }
      : stored?.key
  if (key === undefined) return invalid('jwt', 'needs a secret or a public_key')
  const leewayMs = settings.leeway === undefined ? (stored?.leewayMs ?? 30_000) : parseLeeway(settings.leeway)
  if (leewayMs === null) return invalid('jwt.leeway', 'must be a duration from 0s to 5m, such as 30s')
  const kept = (given: string | null | undefined, before: string | null = null) =>
    given === undefined ? before : given || null
  return {
    key,
    issuer: kept(settings.issuer, stored?.issuer),
    audience: kept(settings.audience, stored?.audience),
    tenant: kept(settings.tenant, stored?.tenant),
    adminRoles: settings.admin_roles ?? stored?.adminRoles ?? ['admin'],
    leewayMs,
    allowVkReads: settings.allow_vk_reads ?? stored?.allowVkReads ?? true,
  }
}

function parseLeeway(text: string): number | null {
  const [, digits, unit] = /^(\d+)(ms|s|m)$/.exec(text) ?? []
  const milliseconds = Number(digits) * (unit === 'm' ? 60_000 : unit === 's' ? 1000 : 1)
  return milliseconds <= longestLeewayMs ? milliseconds : null
}

function endsLogins(before: StoredAuth, after: StoredAuth): boolean {
  return (
    !after.isEnabled ||
    before.adminUsername !== after.adminUsername ||
    before.adminPasswordHash !== after.adminPasswordHash
  )
}

function invalid(member: string, message: string): Failure {
  return { failure: 'invalid', message: `auth_config.${member}: ${message}` }
}
