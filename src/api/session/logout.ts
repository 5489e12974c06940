import { z } from 'zod'
import { bearerOf } from '../../tenancy/governance/logins/credentials.ts'
import { sessionCookie } from '../entrance.ts'
import { openRoute } from '../open/route.ts'
import { writeSessionCookie } from './cookie.ts'

export const logout = openRoute({
  method: 'POST',
  path: '/api/session/logout',
  operationId: 'logout',
  tag: 'Session',
  summary: 'Logs out',
  description: 'Ends the session of the token that is sent as Bearer or as cookie, if it is one.',
  returns: z.object({ message: z.string() }).meta({ id: 'LoggedOut' }),
  refuses: { 403: 'A page of another site asks' },

  async handle({ tenancy, knock, setHeader }) {
    const token = bearerOf(knock.header('authorization')) ?? sessionCookie(knock)
    if (token !== null) await tenancy.closeSession(token)
    writeSessionCookie({ knock, setHeader }, '', 0)
    return { message: 'Logout successful' }
  },
})
