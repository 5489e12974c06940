import { isIP } from 'node:net'
import { addressKind } from './addresses.ts'
import type { Resolve } from './egress.ts'

/** Whether a host is one that everybody can reach, by all that it resolves to. One that does not resolve is not. */
export async function isPublicHost(host: string, resolve: Resolve): Promise<boolean> {
  const plain = host.replace(/^\[(.*)\]$/, '$1')
  if (isIP(plain) !== 0) return addressKind(plain) === 'public'
  const addresses = await new Promise<readonly string[]>((done) => {
    resolve(plain, { all: true }, (error, found) => {
      done(error === null ? found.map(({ address }) => address) : [])
    })
  })
  return addresses.length > 0 && addresses.every((address) => addressKind(address) === 'public')
}
