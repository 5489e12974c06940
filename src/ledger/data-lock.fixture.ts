import { lockDataDirectory } from './data-lock.ts'

/** Holds the lock of the directory given until it is killed. */
const lock = lockDataDirectory(process.argv[2] ?? '')
console.log(lock === null ? 'refused' : 'held')
setInterval(() => {}, 60_000)
