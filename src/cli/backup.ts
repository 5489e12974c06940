/** What `tollgate backup` says at its end, of a backup in this directory. */
export function reportBackup(directory: string, bytes: number, masterKey: string): string {
  return [
    `Backed up: ${directory}, ${bytes} bytes, checked.`,
    `The master key is not in it. Keep ${masterKey} in another place: without it no key and no credential in the backup is of use.`,
  ].join('\n')
}
