import { z } from 'zod'
import type { Failure } from '../../domain/failure.ts'
import { isFailure } from '../../domain/failure.ts'
import type { OpenVisit } from '../open/route.ts'
import { parseJson } from '../read-json.ts'
import { routesOf } from '../route.ts'
import { writeSessionCookie } from './cookie.ts'

const unreadable: Failure = { failure: 'invalid', message: 'Invalid request payload' }
const disabled: Failure = {
  failure: 'forbidden',
  what: 'scope',
  name: '',
  message: 'Authentication is not enabled',
}
const wrong: Failure = {
  failure: 'unauthenticated',
  reason: 'unknown',
  message: 'Invalid username or password',
}

/** Says the same of whatever is wrong with a body. */
const loginRoute = routesOf<OpenVisit>(
  (schema, value) => {
    const parsed = schema.safeParse(value)
    return parsed.success ? parsed.data : unreadable
  },
  (bytes) => {
    const read = parseJson(bytes)
    return isFailure(read) ? unreadable : read
  },
)

export const login = loginRoute({
  method: 'POST',
  path: '/api/session/login',
  operationId: 'login',
  tag: 'Session',
  summary: 'Logs in',
  description:
    'Gives a token that opens management for 30 days, as Bearer or as the cookie that the answer sets. After five failures within a minute, a user name is refused from that address until the minute is over.',
  body: z.object({ username: z.string(), password: z.string() }).meta({ id: 'Login' }),
  returns: z.object({ message: z.string(), token: z.string() }).meta({ id: 'LoggedIn' }),
  refuses: {
    400: 'A body without user name and password',
    401: 'Not this user name and password',
    403: 'Nobody logs in here, or a page of another site asks',
    429: 'Too many failures',
  },

  async handle({ body, tenancy, knock, entrance, setHeader }) {
    const { auth } = tenancy.snapshot().governance
    if (!auth?.isEnabled) return disabled
    const failure = await entrance.checkPassword(body, auth, knock.sender().address)
    if (failure !== null) return failure.failure === 'unauthenticated' ? wrong : failure
    const { token, expiresAt } = await tenancy.openSession(auth.adminUsername)
    writeSessionCookie({ knock, setHeader }, token, expiresAt)
    return { message: 'Login successful', token }
  },
})
