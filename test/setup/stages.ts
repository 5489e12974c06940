/** Takes part in the stages until `work` ends; a stage may be asked for more than once, but none before the last one. */
export type TakePart<Stage> = (
  work: (stageAt: (index: number) => Promise<Stage>) => Promise<void>,
) => Promise<void>

/**
 * Lets tests that run side by side share what is dear to begin, such as the starts of one gateway: a stage begins once
 * all of them ask for it or a later one, or have ended. Stages that nobody asks for are left out. All have to begin
 * together, so there may be no more of them than the runner lets run side by side: five.
 */
export function shareStages<Stage>(begin: (index: number) => Promise<Stage>): TakePart<Stage> {
  const parties = new Set<{ asksFor: number }>()
  const stages = new Map<number, PromiseWithResolvers<Stage>>()
  let begun = -1

  const stageAt = (index: number) => {
    const stage = stages.get(index) ?? Promise.withResolvers<Stage>()
    stages.set(index, stage)
    return stage
  }
  const beginNext = () => {
    const next = Math.min(...[...parties].map(({ asksFor }) => asksFor))
    if (next <= begun || next === Infinity) return
    begun = next
    begin(next).then(stageAt(next).resolve, stageAt(next).reject)
  }

  return async (work) => {
    const party = { asksFor: 0 }
    parties.add(party)
    try {
      await work((index) => {
        party.asksFor = index
        beginNext()
        return stageAt(index).promise
      })
    } finally {
      parties.delete(party)
      beginNext()
    }
  }
}
