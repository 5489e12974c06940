import { describe } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { conform } from './database.conformance.ts'
import { openInstance } from './instance.fixture.ts'

describe.each(databases())('two instances on $name', ({ create }) => {
  conform(async () => {
    const place = await create()
    const first = await openInstance(place)
    const second = await openInstance(place)
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
