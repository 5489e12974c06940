import { expect, it } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { openDatabase, parseDatabaseUrl } from './open.ts'

it.each([
  ['sqlite:/var/lib/tollgate/a b.db', { kind: 'sqlite', path: '/var/lib/tollgate/a b.db' }],
  ['sqlite:data/tollgate.db', { kind: 'sqlite', path: 'data/tollgate.db' }],
  ['postgres://u:p@h/d', { kind: 'postgres', url: 'postgres://u:p@h/d' }],
  [
    'postgresql://h:5433/d?sslmode=require',
    { kind: 'postgres', url: 'postgresql://h:5433/d?sslmode=require' },
  ],
])('%s is a place', (text, location) => {
  expect(parseDatabaseUrl(text)).toEqual(location)
})

it.each([
  '',
  'sqlite:',
  'tollgate.db',
  'mysql://u:hunter2@h/d',
  'postgres://u:hunter2@h:port/d',
  ' sqlite:a',
])('“%s” is none, and is not repeated', (text) => {
  const fault = parseDatabaseUrl(text)
  expect(fault).toMatchObject({ failure: 'invalid' })
  expect(JSON.stringify(fault)).not.toContain('hunter2')
})

it.each(databases())('opens $name by its URL', async ({ create }) => {
  const place = await create()
  const location = parseDatabaseUrl(place.url)
  if ('failure' in location) throw new Error(location.failure)
  const database = await openDatabase(location)
  expect(database.kind).toBe(location.kind)
  expect(await database.read.selectFrom('nodes').selectAll().execute()).toEqual([])
  await database.close()
  await place.remove()
})
