/** JSON strings of names of models: few, and two come with every call. Begun anew when full. */
const stamps = new Map<string, Buffer>()
const stampsKept = 10_000

/** A model's name as it stands in a body: the bytes of its JSON string. */
export function stampOf(model: string): Buffer {
  const known = stamps.get(model)
  if (known !== undefined) return known
  if (stamps.size >= stampsKept) stamps.clear()
  const stamp = Buffer.from(JSON.stringify(model))
  stamps.set(model, stamp)
  return stamp
}
