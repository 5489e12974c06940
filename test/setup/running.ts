/** How to end each gateway that runs. */
export const running = new Set<() => Promise<unknown>>()

// A worker that is told to go runs no hooks. Before the folders go: what is killed writes nothing more into them.
process.prependListener('exit', () => {
  for (const end of running) void end()
})

/** Ends what a file of tests has left running. */
export async function endGateways(): Promise<void> {
  for (const end of [...running]) await end()
}
