import { clientFaults } from '../config/client-faults.ts'
import type { Environment } from '../config/environment.ts'
import { wordFault, wordWarning } from '../config/faults.ts'
import type { Flags } from '../config/flags.ts'
import { ruleWarnings } from '../config/rule-warnings.ts'
import { loadSettings } from '../config/settings.ts'

/** Validates a configuration and words the outcome: lines for a person, or JSON. */
export async function checkConfiguration(
  flags: Flags,
  environment: Environment,
  asJson: boolean,
): Promise<{ isValid: boolean; text: string }> {
  const loaded = loadSettings(flags, environment)
  const faults =
    'faults' in loaded
      ? loaded.faults
      : await clientFaults(loaded.settings.governance.file, loaded.settings.variable)
  const warnings =
    'settings' in loaded
      ? [...loaded.settings.warnings, ...(await ruleWarnings(loaded.settings.governance.file))]
      : []
  const isValid = faults.length === 0
  if (asJson) return { isValid, text: JSON.stringify({ valid: isValid, faults, warnings }, null, 2) }
  const lines = [...faults.map(wordFault), ...warnings.map(wordWarning)]
  return {
    isValid,
    text: [...lines, isValid ? 'The configuration is valid.' : countFaults(faults.length)].join('\n'),
  }
}

function countFaults(count: number): string {
  return count === 1 ? 'The configuration has 1 fault.' : `The configuration has ${count} faults.`
}
