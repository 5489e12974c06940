import { inLowerCase } from '../tenancy/rules/host-name.ts'
import type { Fault } from './faults.ts'
import type { ConfigurationFile } from './schema.ts'

/**
 * Faults for what must be unique and is not: a list has no say in which of two entries with one name would win. Values
 * of keys are compared too, and never shown.
 */
export function namesGivenTwice({ security, frontier }: ConfigurationFile): Fault[] {
  const seen = new Map<string, string>()
  const faults: Fault[] = []
  const note = (kind: string, name: string, path: string, found?: string): void => {
    const first = seen.get(`${kind} ${name}`)
    if (first === undefined) seen.set(`${kind} ${name}`, path)
    else faults.push({ path, message: `must differ from ${first}`, ...(found !== undefined && { found }) })
  }
  const noteNamed = (kind: string, name: string, path: string): void =>
    note(kind, name, path, JSON.stringify(name))

  for (const [index, key] of security.admin_keys.entries()) {
    noteNamed('admin key', key.name, `security.admin_keys.${index}.name`)
    note('key value', key.value, `security.admin_keys.${index}.value`)
  }
  for (const [
    index,
    { id, slug_prefixes, domains, api_keys, secrets, models },
  ] of frontier.workspaces.entries()) {
    const path = `frontier.workspaces.${index}`
    noteNamed('workspace', id, `${path}.id`)
    for (const [at, prefix] of slug_prefixes.entries())
      noteNamed('prefix', prefix, `${path}.slug_prefixes.${at}`)
    for (const [at, domain] of domains.entries())
      noteNamed('domain', inLowerCase(domain), `${path}.domains.${at}`)
    for (const [at, key] of api_keys.entries()) {
      noteNamed(`key of ${index}`, key.name, `${path}.api_keys.${at}.name`)
      note('key value', key.value, `${path}.api_keys.${at}.value`)
    }
    for (const [at, secret] of secrets.entries())
      noteNamed(`secret of ${index}`, secret.id, `${path}.secrets.${at}.id`)
    for (const [at, model] of models.entries())
      noteNamed(`model of ${index}`, model.id, `${path}.models.${at}.id`)
  }
  return faults
}
