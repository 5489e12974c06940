/** A member of a roster; it keeps its own place. -1 while it is in none. */
export interface Seated {
  seat: number
}

/** What is under way now: members come and go with every call, in no order. */
export interface Roster<T extends Seated> {
  add(member: T): void
  /** Does nothing for one that is not there. */
  remove(member: T): void
  size(): number
  /** A copy, so that members may leave while it is walked. */
  members(): readonly T[]
}

/**
 * Opens an empty roster: an array in which the last member takes the seat of one that leaves.
 *
 * Not a `Set`: each time it grows or tidies itself, the engine links the table it leaves behind to the new one. Once
 * one such table has grown old, every later one, with the calls in it, outlives all collections but the full ones.
 * Measured with 64 members coming and going: three quarters of all memory survived, against none.
 */
export function openRoster<T extends Seated>(): Roster<T> {
  const seats: T[] = []
  return {
    add(member) {
      if (member.seat >= 0) return
      member.seat = seats.length
      seats.push(member)
    },
    remove(member) {
      const last = seats.at(-1)
      if (member.seat < 0 || last === undefined) return
      seats[member.seat] = last
      last.seat = member.seat
      member.seat = -1
      seats.pop()
    },
    size: () => seats.length,
    members: () => [...seats],
  }
}
