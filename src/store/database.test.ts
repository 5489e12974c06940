import { describe } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { conform } from './database.conformance.ts'

describe.each(databases())('two instances on $name', ({ create }) => {
  conform(async () => {
    const place = await create()
    const first = await place.open()
    const second = await place.open()
    return {
      first,
      second,
      async close() {
        await first.close()
        await second.close()
        await place.remove()
      },
    }
  })
})
