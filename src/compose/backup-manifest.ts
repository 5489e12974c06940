import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { exitCodes } from '../cli/program.ts'
import { Refused } from './refused.ts'

/** What a backup consists of. Written last: a directory without one is no backup, or not a whole one. */
const Manifest = z.object({
  format: z.literal(1),
  /** The release that made it. */
  tollgate: z.string(),
  made_at: z.string(),
  database: z.object({ file: z.literal('tollgate.db'), bytes: z.number(), sha256: z.string() }),
})

export type Manifest = z.output<typeof Manifest>

export const databaseFile = 'tollgate.db'
const manifestFile = 'manifest.json'

export function writeManifest(directory: string, manifest: Manifest): void {
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  writeFileSync(join(directory, manifestFile), text, { mode: 0o600, flag: 'wx', flush: true })
}

/** Throws `Refused` where there is no backup that this release can read. */
export function readManifest(directory: string): Manifest {
  const path = join(directory, manifestFile)
  const text = readText(path)
  if (text === null) {
    throw new Refused(
      `${path}: there is none. This is no backup, or one that was not finished.`,
      exitCodes.refused,
    )
  }
  const parsed = Manifest.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new Refused(`${path}: is not a manifest that this release knows.`, exitCodes.refused)
}

/** Takes a file's bytes as they pass. */
export async function sha256Of(path: string, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    hash.update(chunk)
    bytes += chunk.length
    onBytes(bytes)
  }
  return hash.digest('hex')
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return null
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
