import { expect } from 'vitest'
import type { WireAnswer } from './wire.ts'

/** What a refused caller reads. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string | RegExp
}

/** A request that its caller must change. */
export function invalid(message: string): Refusal {
  return { status: 400, code: 'client_error', message }
}

/** A refusal in the words of the data plane: whole, and in JSON. */
export function expectRefusal(answer: WireAnswer, { status, code, message }: Refusal): void {
  expect([answer.status, answer.json()]).toEqual([status, { error: text(message), error_code: code }])
  expect(answer.header('content-type')).toBe('application/json')
}

/** The same in the words of the native door. */
export function expectNativeRefusal(answer: WireAnswer, status: number, message: string): void {
  expect([answer.status, answer.json()]).toMatchObject([
    status,
    { is_bifrost_error: false, status_code: status, error: { message } },
  ])
  expect(answer.header('content-type')).toBe('application/json')
}

/** The same in the words of management. */
export function expectManaged(answer: WireAnswer, { status, code, message }: Refusal): void {
  expect([answer.status, answer.json()]).toEqual([status, { code, message: text(message) }])
  expect(answer.header('content-type')).toMatch(/^application\/json\b/)
}

function text(message: string | RegExp): unknown {
  return typeof message === 'string' ? message : expect.stringMatching(message)
}
