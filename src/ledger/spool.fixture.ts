import type { AttemptId, InstanceId } from '../domain/ids.ts'
import { ulidSource } from '../domain/ids.ts'
import { spoolFiles } from './files.ts'
import { openSpool } from './spool.ts'

/** Appends 200 records to a spool in the directory given, and says on standard output how the file takes it. */
const spool = openSpool({
  directory: process.argv[2] ?? '',
  instance: '01JAAAAAAAAAAAAAAAAAAAAAAA' as InstanceId,
  thread: 0,
  durability: 'process',
  files: spoolFiles,
  clock: Date.now,
  notBefore: 0,
  monotonic: () => performance.now(),
  newUlid: ulidSource(),
  tell: () => {},
  onProblem: (problem) => console.log(problem === null ? 'going on' : `stopped ${problem}`),
  limits: { segmentBytes: 2 ** 20, beatMs: 20, longestWaitMs: 30_000 },
})

let waiting = 200
for (let number = 0; number < 200; number++) {
  const id = `a${number}` as AttemptId
  spool.append(
    { record: 'settlement', id, at: 1, closesHold: false, charges: [], event: null },
    () => waiting--,
  )
}
while (waiting > 0) await new Promise((resolve) => setTimeout(resolve, 20))
console.log('closed', await spool.close())
