import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Failure } from '../../../domain/failure.ts'
import { isFailure } from '../../../domain/failure.ts'
import type { EpochMs } from '../../../domain/time.ts'
import type { JwtConfig } from '../facts.ts'
import type { GovernanceWorld } from '../world.ts'
import { keyNamed } from './credentials.ts'

/** What a token says of its bearer. */
export interface TokenClaims {
  readonly tenantId: string
  /** The virtual key that it stands for; null: for none. */
  readonly accessKey: string | null
  readonly isAdministrator: boolean
  /** Who it was issued to, for the audit. */
  readonly subject: string
}

const families = {
  secret: ['HS256', 'HS384', 'HS512'],
  publicKey: ['RS256', 'RS384', 'RS512'],
} as const

/**
 * Verifies a token and reads it. The algorithm is of the family of the configured key, whatever the token says of itself:
 * otherwise a public key could be made to serve as a secret.
 */
export async function readToken(
  text: string,
  config: JwtConfig,
  now: EpochMs,
): Promise<TokenClaims | Failure> {
  const key = keyOf(config)
  if (key === null) return refusedToken('this gateway cannot read its signing key')
  const algorithms: readonly string[] = 'secret' in config.key ? families.secret : families.publicKey
  const claimed = algorithmOf(text)
  if (claimed === null) return refusedToken('token is malformed')
  if (!algorithms.includes(claimed)) return refusedToken(`unexpected signing method ${claimed}`)
  try {
    const { payload } = await jwtVerify(text, key, {
      algorithms: [...algorithms],
      currentDate: new Date(now),
      clockTolerance: config.leewayMs / 1000,
      ...(config.issuer === null ? {} : { issuer: config.issuer }),
      ...(config.audience === null ? {} : { audience: config.audience }),
    })
    return claimsOf(payload, config)
  } catch (error) {
    return refusedToken(wordError(error))
  }
}

/** The virtual key that a token stands for; null where there is no such key. */
export async function verifyToken(
  text: string,
  world: Pick<GovernanceWorld, 'auth' | 'virtualKey' | 'virtualKeyByName'>,
  now: EpochMs,
): Promise<{ readonly virtualKeyId: string | null } | Failure> {
  const jwt = world.auth?.jwt ?? null
  if (jwt === null) return { failure: 'unauthenticated', reason: 'unknown' }
  const claims = await readToken(text, jwt, now)
  if (isFailure(claims)) return claims
  if (claims.accessKey === null) return missingClaim('accessKey')
  return { virtualKeyId: keyNamed(world, claims.accessKey)?.id ?? null }
}

/** A token that lacks what it is wanted for. */
export function missingClaim(claim: 'tenantId' | 'accessKey'): Failure {
  return refusedToken(`token missing ${claim} claim`)
}

/** Why a public key in PEM cannot verify tokens; null where it can. */
export function badPublicKey(pem: string): string | null {
  try {
    const key = createPublicKey(pem)
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    return key.asymmetricKeyType === 'rsa' && bits >= 2048 ? null : 'must be an RSA key of at least 2048 bits'
  } catch {
    return 'must be a public key in PEM'
  }
}

const keys = new WeakMap<JwtConfig, KeyObject>()

/** Made once for each configuration. Null where its secret was sealed under another master key. */
function keyOf(config: JwtConfig): KeyObject | null {
  const known = keys.get(config)
  if (known !== undefined) return known
  const { key } = config
  if ('secret' in key && key.secret === 'sealed') return null
  const made =
    'publicKey' in key
      ? createPublicKey(key.publicKey)
      : createSecretKey(Buffer.from(key.secret === 'sealed' ? '' : key.secret.reveal()))
  keys.set(config, made)
  return made
}

function algorithmOf(text: string): string | null {
  try {
    const { alg } = decodeProtectedHeader(text)
    return typeof alg === 'string' ? alg : null
  } catch {
    return null
  }
}

function claimsOf(payload: JWTPayload, config: JwtConfig): TokenClaims | Failure {
  const { tenantId, accessKey, userId, sub } = payload
  if (!isFilled(tenantId)) return missingClaim('tenantId')
  if (config.tenant !== null && tenantId !== config.tenant)
    return refusedToken('token belongs to another tenant')
  const roles: readonly unknown[] = Array.isArray(payload.roles) ? payload.roles : []
  const names = isFilled(accessKey)
  return {
    tenantId,
    accessKey: names ? accessKey : null,
    isAdministrator: !names && config.adminRoles.some((role) => roles.includes(role)),
    subject: isFilled(userId) ? userId : (sub ?? tenantId),
  }
}

function isFilled(claim: unknown): claim is string {
  return typeof claim === 'string' && claim !== ''
}

function wordError(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'token has expired'
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return 'token is not yet valid'
    if (error.claim === 'iss') return 'token has invalid issuer'
    if (error.claim === 'aud') return 'token has invalid audience'
    return `token has invalid ${error.claim} claim`
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token signature is invalid'
  if (error instanceof errors.JOSEError) return 'token is malformed'
  throw error
}

function refusedToken(why: string): Failure {
  return { failure: 'unauthenticated', reason: 'unknown', message: `invalid tenant token: ${why}` }
}
