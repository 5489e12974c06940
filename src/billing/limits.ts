/** How deliveries are made. Times in milliseconds; see `schedule.ts` for how they go together. */
export interface DeliveryLimits {
  readonly eventsPerDelivery: number
  /** How long an event waits for others before it is posted. */
  readonly lingerMs: number
  /** For one attempt: name, connection, TLS, request and the head of the answer. */
  readonly attemptMs: number
  readonly firstBackoffMs: number
  readonly longestBackoffMs: number
  /** For all attempts of one delivery, the waits between them included. */
  readonly giveUpMs: number
}
