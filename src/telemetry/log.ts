import { type Logger, pino } from 'pino'
import { type LogCall, openCallLog } from './call-log.ts'

export type Log = Logger

export interface Logging {
  readonly log: Log
  /** One line for each call, as long as the level lets information through. */
  readonly logCall: LogCall
  flush(): void
}

/** Where lines go: as standard error takes them, many at a time. */
export interface LogDestination {
  write(text: string): unknown
  flushSync(): void
}

/** Each write goes through a thread of the pool, which costs more than the lines in it: so few and large ones. */
const batches = { fd: 2, sync: false, minLength: 65_536, maxWrite: 262_144, periodicFlush: 100 }

/**
 * Structured lines, on standard error unless told, written there in batches off the request's path. Members that may
 * carry a credential are blanked even if a caller passes them by mistake.
 */
export function openLog(level: string, destination: LogDestination = pino.destination(batches)): Logging {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [
          'authorization',
          'apiKey',
          'secret',
          'password',
          'masterKey',
          '*.authorization',
          '*.apiKey',
          '*.secret',
        ],
        censor: '[secret]',
      },
    },
    destination,
  )
  const calls = openCallLog((text) => destination.write(text), Date.now)
  return {
    log,
    logCall: log.isLevelEnabled('info') ? calls.log : () => {},
    flush() {
      calls.flush()
      destination.flushSync()
    },
  }
}
