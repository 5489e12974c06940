import { type Logger, pino } from 'pino'

export type Log = Logger

/**
 * Structured lines on standard error, written in batches off the request's path. Members that may carry a
 * credential are blanked even if a caller passes them by mistake.
 */
export function openLog(level: string): { log: Log; flush(): void } {
  const destination = pino.destination({ fd: 2, sync: false, minLength: 8192, periodicFlush: 200 })
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
  return { log, flush: () => destination.flushSync() }
}
