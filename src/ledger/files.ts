import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'

/** What spool and drain ask of the file system. The syncs are promises; every failure is thrown. */
export interface SpoolFiles {
  makeDirectory(path: string): void
  /** Makes a file that did not exist and opens it for writing. */
  create(path: string): number
  /** Writes at `position` and returns how many bytes it took, which may be fewer. */
  write(file: number, buffer: Buffer, start: number, bytes: number, position: number): number
  truncate(file: number, bytes: number): void
  /** Brings a file's data to the disk, off the thread. */
  sync(file: number): Promise<void>
  /** Brings a directory's names to the disk, off the thread. */
  syncDirectory(path: string): Promise<void>
  close(file: number): void
  /** Names of a directory's entries. */
  list(path: string): readonly string[]
  bytesOf(path: string): number
  /** Reads a whole file, into `spare` where it fits. Null for a file that is not there. */
  read(path: string, spare: Buffer): Buffer | null
  /** Writes a whole file anew. */
  save(path: string, data: Buffer): void
  /** Removes a file; one that is gone already is as good as removed. */
  remove(path: string): void
}

export const spoolFiles: SpoolFiles = {
  makeDirectory: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  create: (path) => openSync(path, 'wx', 0o600),
  write: writeSync,
  truncate: ftruncateSync,
  sync: promisify(fdatasync),
  async syncDirectory(path) {
    const directory = await open(path, 'r')
    await directory.sync().finally(() => directory.close())
  },
  close: closeSync,
  list: (path) => readdirSync(path),
  bytesOf: (path) => statSync(path).size,
  read: (path, spare) => (existsSync(path) ? readWhole(path, spare) : null),
  save: (path, data) => writeFileSync(path, data, { mode: 0o600, flush: true }),
  remove: (path) => rmSync(path, { force: true }),
}

function readWhole(path: string, spare: Buffer): Buffer {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const buffer = size <= spare.length ? spare : Buffer.allocUnsafeSlow(size)
    let bytes = 0
    for (let taken = -1; taken !== 0 && bytes < size; bytes += taken) {
      taken = readSync(file, buffer, bytes, size - bytes, bytes)
    }
    return buffer.subarray(0, bytes)
  } finally {
    closeSync(file)
  }
}
