import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Which core a process is held on: the gateway under test alone on one, all the rest on the other. */
type Place = 'gateway' | 'others'

interface Command {
  /** Names the file that its output goes to. */
  readonly name: string
  readonly file: string
  readonly arguments: readonly string[]
  readonly place: Place
  readonly folder?: string
  readonly environment?: Readonly<Record<string, string>>
}

export interface Program {
  /** Its id and those of all its descendants: what to read CPU and memory of. */
  ids(): number[]
  /** Waits for its output to match. Null when it ended, or said nothing of the kind in time. */
  waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray | null>
  /** The end of what it said, for a message. */
  lastWords(): string
  /** Asks it to end, and makes it after 5 s. */
  stop(): Promise<void>
}

export interface Processes {
  readonly isPinned: boolean
  start(command: Command): Program
  /** The command as it is to be run so that it stays on its core. */
  pinned(command: Pick<Command, 'file' | 'arguments' | 'place'>): readonly [string, ...string[]]
  stopAll(): Promise<void>
}

/** Starts programs with their output in files, because a reader of pipes would share the cores that are measured. */
export function openProcesses(logFolder: string, isPinned: boolean): Processes {
  const running = new Set<Program>()
  mkdirSync(logFolder, { recursive: true })

  const pinned: Processes['pinned'] = ({ file, arguments: values, place }) =>
    isPinned ? ['taskset', '-c', place === 'gateway' ? '0' : '1', file, ...values] : [file, ...values]

  return {
    isPinned,
    pinned,
    start(command) {
      const logFile = join(logFolder, `${command.name}.log`)
      const log = openSync(logFile, 'w')
      const [file, ...values] = pinned(command)
      const child = spawn(file, values, {
        stdio: ['ignore', log, log],
        ...(command.folder !== undefined && { cwd: command.folder }),
        env: { ...process.env, ...command.environment },
      })
      closeSync(log)
      const program = programOf(child, logFile, () => running.delete(program))
      running.add(program)
      return program
    },
    stopAll: async () => {
      await Promise.all([...running].map((program) => program.stop()))
    },
  }
}

function programOf(child: ChildProcess, logFile: string, onEnd: () => void): Program {
  let hasEnded = false
  const end = Promise.withResolvers<void>()
  const ended = () => {
    hasEnded = true
    onEnd()
    end.resolve()
  }
  child.once('exit', ended)
  child.once('error', ended)
  return {
    ids: () => (child.pid === undefined ? [] : familyOf(child.pid)),
    async waitFor(pattern, timeoutMs) {
      for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += 50) {
        const match = pattern.exec(readFileSync(logFile, 'utf8'))
        if (match !== null || hasEnded) return match
        await sleep(50)
      }
      return null
    },
    lastWords: () => `${readFileSync(logFile, 'utf8').trim().slice(-600)} (${basename(logFile)})`,
    async stop() {
      if (hasEnded) return
      const impatience = setTimeout(() => child.kill('SIGKILL'), 5000)
      child.kill('SIGTERM')
      await end.promise
      clearTimeout(impatience)
    },
  }
}

function familyOf(id: number): number[] {
  try {
    const children = readFileSync(`/proc/${id}/task/${id}/children`, 'utf8').split(' ').filter(Boolean)
    return [id, ...children.flatMap((child) => familyOf(Number(child)))]
  } catch {
    return []
  }
}

/** A port that nobody listens on at the moment, for programs that cannot pick one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}
