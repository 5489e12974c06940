/** The workspace that is always there. */
export const defaultWorkspaceId = 'default'

/** The prefixes that it always owns. */
export const defaultSlugPrefixes: readonly string[] = ['default', 'demo']

/** What is wrong with telling a workspace whether it is onboarded; null where nothing is. To be read after the member. */
export function badOnboarding(id: string, onboarded: boolean): string | null {
  return id === defaultWorkspaceId && !onboarded ? `must be true: ${id} is always onboarded` : null
}

/** A workspace's slug prefixes with those that it cannot lose. */
export function wholeSlugPrefixes(id: string, prefixes: readonly string[]): readonly string[] {
  return id === defaultWorkspaceId ? [...new Set([...defaultSlugPrefixes, ...prefixes])] : prefixes
}
