import { expect, test } from 'vitest'
import { openMetrics } from './metrics.ts'

test('what was counted in slots stands in the scrape, and again in the next one', async () => {
  const metrics = openMetrics()
  metrics.calls(200).value += 2
  metrics.calls(429).value += 1
  metrics.refusals('token').value += 1
  metrics.inputTokens.value += 10
  metrics.gauge('tollgate_things', 'Things.', () => 7)
  await metrics.render()
  const text = await metrics.render()
  expect(text).toContain('tollgate_calls_total{status="200"} 2')
  expect(text).toContain('tollgate_calls_total{status="429"} 1')
  expect(text).toContain('tollgate_refusals_total{metric="token"} 1')
  expect(text).toContain('tollgate_input_tokens_total 10')
  expect(text).toContain('tollgate_things 7')
})

test('a histogram has cumulative buckets, a sum and a count', async () => {
  const metrics = openMetrics()
  metrics.callSeconds.observe(0.001)
  metrics.callSeconds.observe(0.003)
  metrics.callSeconds.observe(5000)
  const text = await metrics.render()
  expect(text).toContain('# TYPE tollgate_call_seconds histogram')
  expect(text).toContain('tollgate_call_seconds_bucket{le="0.001"} 1')
  expect(text).toContain('tollgate_call_seconds_bucket{le="0.005"} 2')
  expect(text).toContain('tollgate_call_seconds_bucket{le="1200"} 2')
  expect(text).toContain('tollgate_call_seconds_bucket{le="+Inf"} 3')
  expect(text).toContain('tollgate_call_seconds_sum 5000.004')
  expect(text).toContain('tollgate_call_seconds_count 3')
})

test('refusals by every metric stand at zero before the first one', async () => {
  const text = await openMetrics().render()
  for (const metric of ['request', 'token', 'cost']) {
    expect(text).toContain(`tollgate_refusals_total{metric="${metric}"} 0`)
  }
})
