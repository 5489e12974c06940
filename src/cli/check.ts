import { z } from 'zod'
import type { Environment } from '../config/environment.ts'
import { ConfigurationFile } from '../config/schema.ts'
import { type Fault, type Flags, loadSettings, type Warning } from '../config/settings.ts'

/** Validates a configuration and words the outcome: lines for a person, or JSON. */
export function checkConfiguration(
  flags: Flags,
  environment: Environment,
  asJson: boolean,
): { isValid: boolean; text: string } {
  const loaded = loadSettings(flags, environment)
  const faults = 'faults' in loaded ? loaded.faults : []
  const warnings = 'settings' in loaded ? loaded.settings.warnings : []
  const isValid = faults.length === 0
  if (asJson) return { isValid, text: JSON.stringify({ valid: isValid, faults, warnings }, null, 2) }
  const lines = [...wordFaults(faults), ...wordWarnings(warnings)]
  return {
    isValid,
    text: [...lines, isValid ? 'The configuration is valid.' : countFaults(faults.length)].join('\n'),
  }
}

export function wordFaults(faults: readonly Fault[]): string[] {
  return faults.map(({ path, message }) => `${path}: ${message}`)
}

export function wordWarnings(warnings: readonly Warning[]): string[] {
  return warnings.map(({ path, message }) => `warning: ${path}: ${message}`)
}

function countFaults(count: number): string {
  return count === 1 ? 'The configuration has 1 fault.' : `The configuration has ${count} faults.`
}

/** The configuration file's JSON Schema, for editors. */
export function configurationSchema(): string {
  return JSON.stringify(z.toJSONSchema(ConfigurationFile, { io: 'input', unrepresentable: 'any' }), null, 2)
}
