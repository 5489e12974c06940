import { backup, DatabaseSync } from 'node:sqlite'

/** Pages of the file that are copied between two looks at the progress: 4 MiB. */
const pagesAtOnce = 1024

/**
 * Copies a database as it is at one instant, whoever goes on writing to it: an open read transaction keeps the copy from
 * seeing what comes after. Throws what SQLite throws; what was copied so far then stays.
 *
 * While it runs the source's log of changes only grows. `progress` counts pages.
 */
export async function copySqlite(
  from: string,
  to: string,
  progress: (copied: number, total: number) => void,
): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true, timeout: 5000 })
  try {
    source.exec('begin')
    source.prepare('select count(*) from sqlite_schema').get()
    const total = await backup(source, to, {
      rate: pagesAtOnce,
      progress: ({ totalPages, remainingPages }) => progress(totalPages - remainingPages, totalPages),
    })
    progress(total, total)
  } finally {
    source.close()
  }
}

/** What SQLite finds wrong with a file that nobody has open; null for nothing. Reads all of it. */
export function findDamage(path: string): string | null {
  const database = new DatabaseSync(path)
  try {
    const found = database.prepare('pragma integrity_check(1)').get()?.integrity_check
    return found === 'ok' ? null : String(found)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    database.close()
  }
}
