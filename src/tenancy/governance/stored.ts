/** What every row of this room has, as its fact has it. */
export function stored(row: { config_hash: string | null; created_at: number; updated_at: number }) {
  return { configHash: row.config_hash, createdAt: row.created_at, updatedAt: row.updated_at }
}

/** A list or object that we have stored ourselves. */
export function storedJson<Value>(text: string): Value {
  return JSON.parse(text) as Value
}
