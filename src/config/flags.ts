import { type Environment, environmentReference, resolveValue } from './environment.ts'
import type { Fault } from './faults.ts'

/** What the command line says; each member also stands in the environment as TOLLGATE_<NAME>. */
export interface Flags {
  readonly config?: string | undefined
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly data?: string | undefined
  readonly databaseUrl?: string | undefined
  readonly redisUrl?: string | undefined
  readonly threads?: string | undefined
  readonly adminKey?: string | undefined
  readonly masterKey?: string | undefined
  readonly logLevel?: string | undefined
  readonly insecure?: boolean | undefined
}

type TextFlag = Exclude<keyof Flags, 'insecure'>

/** How much is logged: this much and what is graver. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Flags before the environment, each read once and its faults noted. */
export interface GivenFlags {
  text(flag: TextFlag): string | undefined
  integer(flag: TextFlag, least: number, most: number): number | undefined
  logLevel(): LogLevel
  readonly isInsecure: boolean
}

export function readFlags(flags: Flags, environment: Environment, faults: Fault[]): GivenFlags {
  /** The text, and where the operator has to look for it. */
  const given = (flag: TextFlag): { text: string; path: string } | undefined => {
    const variable = variableOf(flag)
    const path = flags[flag] === undefined ? variable : `--${kebab(flag)}`
    const text = flags[flag] ?? (environment[variable] || undefined)
    if (text === undefined) return undefined
    const resolved = resolveValue(text, environment)
    if (resolved !== undefined) return { text: resolved, path }
    faults.push({ path, message: `${environmentReference(text)} is not set in the environment` })
    return undefined
  }
  return {
    text: (flag) => given(flag)?.text,
    integer(flag, least, most) {
      const found = given(flag)
      if (found === undefined) return undefined
      const number = Number(found.text)
      if (/^\d+$/.test(found.text) && number >= least && number <= most) return number
      const message = `must be a whole number from ${least} to ${most}`
      faults.push({ path: found.path, message, found: JSON.stringify(found.text) })
      return undefined
    },
    logLevel() {
      const found = given('logLevel')
      const level = logLevels.find((known) => known === (found?.text ?? 'info'))
      if (level !== undefined) return level
      const message = `must be one of ${logLevels.join(', ')}`
      faults.push({ path: found?.path ?? '--log-level', message, found: JSON.stringify(found?.text) })
      return 'info'
    },
    isInsecure: flags.insecure ?? !['', '0', 'false'].includes(environment.TOLLGATE_INSECURE ?? ''),
  }
}

/** The environment variable that says the same as a flag. */
export function variableOf(flag: keyof Flags): string {
  return `TOLLGATE_${kebab(flag).replaceAll('-', '_').toUpperCase()}`
}

function kebab(flag: string): string {
  return flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
