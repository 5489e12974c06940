/** What an answer is expected to take before the first has come, in output tokens. */
const firstEstimate = 256
const newestShare = 1 / 16

/** How long answers of one kind of call are, in output tokens of one choice. */
export interface MovingAverage {
  /** Whole tokens, rounded up: what a reservation expects. */
  readonly value: number
  /** Takes one answer in: the output tokens of all its choices together. */
  note(outputTokens: number, choices: number): void
}

/** An average that moves 1/16 of the way to each answer, from 256 tokens. */
export function newMovingAverage(): MovingAverage {
  let average = firstEstimate
  return {
    get value() {
      return Math.ceil(average)
    },
    note(outputTokens, choices) {
      average += (outputTokens / choices - average) * newestShare
    },
  }
}
