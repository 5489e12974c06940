import { once } from 'node:events'
import type { Gateway } from '../setup/gateway.ts'

/** A look into a running process from outside. */
export interface Inspector {
  /** What the heap holds once everything was collected that can be. */
  heapBytes(): Promise<number>
  /** The process waits at its end for whoever looks into it. */
  close(): void
}

/** Start the gateway with this environment to look into it. */
export const inspected = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

/** Connects to the address that the process has printed. */
export async function openInspector(gateway: Gateway): Promise<Inspector> {
  const address = /^Debugger listening on (ws:\S+)$/m.exec(gateway.log())?.[1]
  if (address === undefined) throw new Error('the gateway was not started to be looked into')
  const socket = new WebSocket(address)
  await once(socket, 'open')
  let lastId = 0

  function ask(method: string, params: object = {}): Promise<unknown> {
    lastId += 1
    const id = lastId
    socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve) => {
      socket.addEventListener('message', function read({ data }) {
        const message = JSON.parse(String(data))
        if (message.id !== id) return
        socket.removeEventListener('message', read)
        resolve(message.result)
      })
    })
  }

  return {
    async heapBytes() {
      await ask('HeapProfiler.collectGarbage')
      await ask('HeapProfiler.collectGarbage')
      const answer = await ask('Runtime.evaluate', { expression: 'process.memoryUsage().heapUsed' })
      return (answer as { result: { value: number } }).result.value
    },
    close: () => socket.close(),
  }
}
