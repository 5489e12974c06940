import type { EpochMs } from '../../../domain/time.ts'
import type { Context } from '../../context.ts'
import { digestCredential } from '../../keys/digest.ts'
import { ofInstallation } from '../context.ts'
import { newUuid } from '../uuid.ts'
import { deleteSessionRow, insertSession, readSession } from './sessions.sql.ts'

/** A login. The token is given here and never again. */
export interface NewSession {
  readonly token: string
  readonly expiresAt: EpochMs
}

/** Who has logged in with user name and password. */
export interface Sessions {
  openSession(username: string): Promise<NewSession>
  /** Whose session a token is; null where it is none, or over. */
  findSession(token: string): Promise<{ readonly username: string } | null>
  /** An unknown token ends nothing. */
  closeSession(token: string): Promise<void>
}

const sessionMs = 30 * 86_400_000

export function sessionsOf({ read, write, keyring, random, clock }: Context): Sessions {
  const digestOf = (token: string) => digestCredential(keyring, token).toString('hex')

  return {
    async openSession(username) {
      const token = newUuid(random)
      const now = clock()
      const session = { digest: digestOf(token), username, created_at: now, expires_at: now + sessionMs }
      await write(ofInstallation({ actor: `admin_user:${username}` }), async (it) => {
        await insertSession(it.transaction, session)
        await it.audit('ADMIN_SESSION_OPENED', username, { username })
        return true
      })
      return { token, expiresAt: session.expires_at }
    },

    async findSession(token) {
      return readSession(read, digestOf(token), clock())
    },

    async closeSession(token) {
      const session = await readSession(read, digestOf(token), clock())
      if (session === null) return
      await write(ofInstallation({ actor: `admin_user:${session.username}` }), async (it) => {
        await deleteSessionRow(it.transaction, digestOf(token))
        await it.audit('ADMIN_SESSION_CLOSED', session.username, { username: session.username })
        return true
      })
    },
  }
}
