import { isIP } from 'node:net'
import type { Failure } from '../../domain/failure.ts'

const longestUrl = 2048
const longestSecret = 512

/**
 * Where events may be posted: https, or http to this very machine. Whether an address may be reached at all is judged
 * when a connection is made.
 */
export function badWebhookUrl(url: string): Failure | null {
  if (url.length > longestUrl) return invalid(`url: must have at most ${longestUrl} characters`)
  if (!URL.canParse(url)) return invalid('url: must be a URL')
  const { protocol, hostname, username, password, hash } = new URL(url)
  if (username !== '' || password !== '') return invalid('url: must not hold credentials')
  if (hash !== '') return invalid('url: must not have a fragment')
  if (protocol === 'https:') return null
  if (protocol === 'http:' && isLoopback(hostname)) return null
  return invalid('url: must be https, or http to localhost')
}

/** Signs as UTF-8 bytes, so it must have some. */
export function badWebhookSecret(secret: string): Failure | null {
  const isText = secret.isWellFormed() && !secret.includes('\0')
  return isText && secret.length >= 1 && secret.length <= longestSecret
    ? null
    : invalid(`secret: must have 1 to ${longestSecret} characters`)
}

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]') return true
  return isIP(hostname) === 4 && hostname.startsWith('127.')
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
