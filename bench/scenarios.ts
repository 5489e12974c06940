import type { CandidateName } from './candidate.ts'
import type { Load } from './load.ts'

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly load: Load
  readonly rounds: number
  /** Which figures tell: cost at saturation, latency at a fixed rate, the same for streams, or memory. */
  readonly shows: 'cost' | 'latency' | 'streams' | 'memory'
  readonly without?: readonly CandidateName[]
}

const saturated = { seconds: 1.2, warmSeconds: 0.3 }

export const scenarios: readonly Scenario[] = [
  {
    name: 'json-1k',
    title: 'JSON, 1 KB each way, saturated',
    load: { model: 'mock-json-1', connections: 64, ...saturated },
    rounds: 5,
    shows: 'cost',
  },
  {
    name: 'json-10k',
    title: 'JSON, 10 KB each way, saturated',
    load: { model: 'mock-json-10', connections: 32, bodyBytes: 10_240, ...saturated },
    rounds: 5,
    shows: 'cost',
  },
  {
    name: 'sse-50',
    title: 'Streams of 50 chunks in a burst, saturated',
    load: { model: 'mock-sse-50', connections: 32, events: 52, ...saturated },
    rounds: 5,
    shows: 'cost',
  },
  {
    name: 'sse-300',
    title: 'Streams of 300 chunks in a burst, saturated',
    load: { model: 'mock-sse-300', connections: 32, events: 302, ...saturated },
    rounds: 3,
    shows: 'cost',
  },
  {
    name: 'sse-paced',
    title: 'Streams of 50 chunks 20 ms apart, 60 new streams per second',
    load: { model: 'mock-sse-50-20ms', connections: 256, events: 52, rate: 60, warmSeconds: 1.2, seconds: 3 },
    rounds: 3,
    shows: 'streams',
  },
  {
    name: 'latency-5000',
    title: 'JSON, 1 KB each way, 5,000 requests per second',
    load: { model: 'mock-json-1', connections: 256, rate: 5000, warmSeconds: 0.5, seconds: 2.5 },
    rounds: 5,
    shows: 'latency',
    without: ['portkey'],
  },
  {
    name: 'latency-200',
    title: 'JSON, 1 KB each way, 200 requests per second',
    load: { model: 'mock-json-1', connections: 64, rate: 200, warmSeconds: 0.5, seconds: 4 },
    rounds: 3,
    shows: 'latency',
  },
  {
    name: 'memory',
    title: '5,000 open streams, one chunk per second each, in a fresh process',
    load: { model: 'mock-sse-1000-1000ms', connections: 5000, warmSeconds: 30, seconds: 4, holds: true },
    rounds: 1,
    shows: 'memory',
    without: ['direct'],
  },
]

/** For a look within two minutes: one short round of each. Not for publishing. */
export function quickened(scenario: Scenario): Scenario {
  const { load, shows, title } = scenario
  if (shows === 'memory') {
    return {
      ...scenario,
      title: title.replace('5,000', '500'),
      load: { ...load, connections: 500 },
      rounds: 1,
    }
  }
  return { ...scenario, load: { ...load, seconds: Math.min(load.seconds, 2) }, rounds: 1 }
}
