import type { Candidate, Missing, Running } from '../candidate.ts'
import type { Processes } from '../processes.ts'

/** Nothing between load and upstream: what the others' latency is measured against. */
export const direct: Candidate = {
  name: 'direct',
  warmUpSeconds: 0,
  start: async ({ mock }) => mock,
}

/** Starts the upstream that everything is forwarded to. */
export async function startMock(processes: Processes, file: string): Promise<Running | Missing> {
  const program = processes.start({ name: 'mock-upstream', file, arguments: [], place: 'others' })
  const listening = await program.waitFor(/listening on (\d+)/, 5000)
  if (listening === null) return { missing: `The mock upstream does not start: ${program.lastWords()}` }
  return { version: '', port: Number(listening[1]), headers: [], program, modelName: (model) => model }
}
