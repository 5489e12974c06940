/** How to end each gateway that runs. */
export const running = new Set<() => Promise<unknown>>()

/** Ends what a file of tests has left running. */
export async function endGateways(): Promise<void> {
  for (const end of [...running]) await end()
}
