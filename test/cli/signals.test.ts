import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { temporaryFolder } from '../setup/folders.ts'
import { startGatewayProcess } from '../setup/gateway.ts'

const root = join(import.meta.dirname, '../..')

let group: number | null = null
afterEach(() => {
  if (group !== null) process.kill(-group, 'SIGKILL')
})

/** `npm start` in a process group of its own, as a terminal has it; what is printed to the first lines. */
async function npmStart() {
  const child = spawn('npm', ['start', '--', '--port', '0', '--data', temporaryFolder()], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  group = child.pid ?? null
  let output = ''
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk
    if (output.includes('Tollgate is listening on')) break
  }
  child.stdout.resume()
  child.stderr.resume()
  const url = /^Tollgate is listening on (\S+)$/m.exec(output)?.[1] ?? ''
  return { child, url, exited: once(child, 'exit') }
}

async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  )
}

test('interrupts that come while it ends do not change how it ends', async () => {
  const { process: gateway } = await startGatewayProcess()
  const exited = once(gateway, 'exit')
  const firstAtMs = performance.now()
  const again = setInterval(() => {
    // Npm's copy comes within half a second; what comes later is meant.
    if (performance.now() - firstAtMs < 300) gateway.kill('SIGINT')
  }, 1)
  gateway.kill('SIGINT')
  const ended = await exited
  clearInterval(again)
  expect(ended).toEqual([0, null])
})

test.each([
  ['a signal to npm, as a supervisor sends it', 'SIGTERM', (pid: number) => pid],
  ['ctrl-C, which reaches npm and the gateway', 'SIGINT', (pid: number) => -pid],
] as const)('npm start drains and ends with 0 at %s', async (_, signal, target) => {
  const { child, url, exited } = await npmStart()
  expect(await answers(url)).toBe(true)
  process.kill(target(child.pid ?? 0), signal)
  expect(await exited).toEqual([0, null])
  group = null
  expect(await answers(url)).toBe(false)
})
