import { Counter, Gauge, type Metric, type MetricValue, Registry } from 'prom-client'

/** A number that the hot path adds to directly; read when somebody scrapes. */
export interface Slot {
  value: number
}

/** A histogram whose observation costs a short search and two additions. */
export interface SlotHistogram {
  observe(value: number): void
}

const latencyBoundsSeconds = [
  0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200,
]

/** Everything the gateway counts about itself, in slots that are rendered only on a scrape. */
export interface Metrics {
  /** The slot of answered calls with this status. */
  calls(status: number): Slot
  /** The slot of refusals by limits of this metric: `request`, `token`, `cost`. */
  refusals(metric: string): Slot
  /** The slots of attempts at a provider that went on with another key, and of those that were made again. */
  keyRotations(provider: string, keyId: string, keyName: string, failReason: string): Slot
  retries(provider: string, failReason: string): Slot
  /** The slot of calls that left a provider for a fallback. */
  fallbacks(provider: string, failReason: string): Slot
  readonly inputTokens: Slot
  readonly outputTokens: Slot
  readonly streamsOpen: Slot
  readonly providerExceededCap: Slot
  readonly unpriced: Slot
  readonly callSeconds: SlotHistogram
  readonly upstreamSeconds: SlotHistogram
  /** A value that somebody else keeps and that is asked for on each scrape. */
  gauge(name: string, help: string, read: () => number): void
  /** The same for a total that only grows. */
  counter(name: string, help: string, read: () => number): void
  render(): Promise<string>
  readonly contentType: string
}

export function openMetrics(): Metrics {
  const registry = new Registry()
  const slot = (name: string, help: string, kind: 'counter' | 'gauge'): Slot => {
    const held: Slot = { value: 0 }
    registerReader(registry, kind, name, help, () => held.value)
    return held
  }
  const calls = labelledSlots(registry, 'tollgate_calls_total', 'Calls answered, by HTTP status.', 'status')
  const refusals = labelledSlots(
    registry,
    'tollgate_refusals_total',
    'Calls refused by a limit, by its metric.',
    'metric',
  )
  // A series that begins with its first refusal hides that refusal from whoever looks at increases.
  for (const metric of ['request', 'token', 'cost']) refusals(metric)
  return {
    calls,
    refusals,
    keyRotations: namedSlots(
      registry,
      'tollgate_key_rotation_events_total',
      'Attempts that went on with another key of the provider, by the key that was left and why.',
      ['provider', 'key_id', 'key_name', 'fail_reason'],
    ),
    retries: namedSlots(
      registry,
      'tollgate_retries_total',
      'Attempts that were made once more at the same provider, by why the one before had failed.',
      ['provider', 'fail_reason'],
    ),
    fallbacks: namedSlots(
      registry,
      'tollgate_fallbacks_total',
      'Calls that left a provider for a fallback, by the provider that was left and why.',
      ['provider', 'fail_reason'],
    ),
    inputTokens: slot('tollgate_input_tokens_total', 'Input tokens settled.', 'counter'),
    outputTokens: slot('tollgate_output_tokens_total', 'Output tokens settled.', 'counter'),
    streamsOpen: slot('tollgate_streams_open', 'Streamed answers under way.', 'gauge'),
    unpriced: slot(
      'governance_unpriced_total',
      'Calls whose cost is unknown, for want of a price.',
      'counter',
    ),
    providerExceededCap: slot(
      'tollgate_provider_exceeded_cap_total',
      'Answers that used more than a strict limit had held for them.',
      'counter',
    ),
    callSeconds: histogram(
      registry,
      'tollgate_call_seconds',
      'From the head of a request to the end of its answer.',
    ),
    upstreamSeconds: histogram(
      registry,
      'tollgate_upstream_seconds',
      'From the request upstream to the end of its answer.',
    ),
    gauge: (name, help, read) => registerReader(registry, 'gauge', name, help, read),
    counter: (name, help, read) => registerReader(registry, 'counter', name, help, read),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

function registerReader(
  registry: Registry,
  kind: 'counter' | 'gauge',
  name: string,
  help: string,
  read: () => number,
): void {
  if (kind === 'gauge') {
    const gauge: Gauge = new Gauge({ name, help, registers: [registry], collect: () => gauge.set(read()) })
    return
  }
  const counter: Counter = new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      counter.reset()
      counter.inc(read())
    },
  })
}

function labelledSlots<Label extends string | number>(
  registry: Registry,
  name: string,
  help: string,
  labelName: string,
): (label: Label) => Slot {
  const slots = new Map<Label, Slot>()
  const counter: Counter = new Counter({
    name,
    help,
    labelNames: [labelName],
    registers: [registry],
    collect() {
      counter.reset()
      for (const [label, { value }] of slots) counter.inc({ [labelName]: String(label) }, value)
    },
  })
  return (label) => {
    let slot = slots.get(label)
    if (slot === undefined) {
      slot = { value: 0 }
      slots.set(label, slot)
    }
    return slot
  }
}

/** Slots by several labels, none of which a caller may choose freely. */
function namedSlots<const Names extends readonly string[]>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: Names,
): (...labels: { [Place in keyof Names]: string }) => Slot {
  const slots = new Map<string, { readonly labels: readonly string[]; readonly slot: Slot }>()
  const counter: Counter = new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      counter.reset()
      for (const { labels, slot } of slots.values())
        counter.inc(Object.fromEntries(labelNames.map((label, at) => [label, labels[at] ?? ''])), slot.value)
    },
  })
  return (...labels) => {
    const key = labels.join('\0')
    const known = slots.get(key) ?? { labels, slot: { value: 0 } }
    slots.set(key, known)
    return known.slot
  }
}

function histogram(registry: Registry, name: string, help: string): SlotHistogram {
  const counts = new Float64Array(latencyBoundsSeconds.length + 1)
  let sum = 0
  // The library's own histogram costs more per observation than all of a call's accounting; only its text form is used.
  const metric = {
    name,
    help,
    type: 'histogram',
    get: async () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: bucketValues(name, counts, sum),
    }),
    reset() {
      counts.fill(0)
      sum = 0
    },
  }
  registry.registerMetric(metric as unknown as Metric)
  return {
    observe(value) {
      let bucket = 0
      while (bucket < latencyBoundsSeconds.length && value > (latencyBoundsSeconds[bucket] ?? 0)) bucket++
      counts[bucket] = (counts[bucket] ?? 0) + 1
      sum += value
    },
  }
}

function bucketValues(
  name: string,
  counts: Float64Array,
  sum: number,
): (MetricValue<string> & { metricName: string })[] {
  const values: (MetricValue<string> & { metricName: string })[] = []
  let total = 0
  for (const [index, count] of counts.entries()) {
    total += count
    values.push({
      metricName: `${name}_bucket`,
      labels: { le: String(latencyBoundsSeconds[index] ?? '+Inf') },
      value: total,
    })
  }
  values.push({ metricName: `${name}_sum`, labels: {}, value: sum })
  values.push({ metricName: `${name}_count`, labels: {}, value: total })
  return values
}
