/** What `tollgate restore` says at its end; `masterKey` is where a start will look for it, null if it is there. */
export function reportRestore(dataDirectory: string, madeAt: string, masterKey: string | null): string {
  const lines = [`Restored: ${dataDirectory}, as it was at ${madeAt}. It is an instance of its own.`]
  if (masterKey !== null) {
    lines.push(`Before you start it, put the master key of the original into ${masterKey}, or configure it.`)
  }
  return lines.join('\n')
}
