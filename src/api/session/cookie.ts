import type { EpochMs } from '../../domain/time.ts'
import type { Asked } from '../route.ts'
import type { Knock } from '../serve.ts'

/** Sets the cookie of a session; an empty token takes it back. Scripts never see it, other sites never send it along. */
export function writeSessionCookie(
  { knock, setHeader }: Pick<Asked, 'setHeader'> & { readonly knock: Knock },
  token: string,
  expiresAt: EpochMs,
): void {
  const isSecure = /^\s*https\b/i.test(knock.header('x-forwarded-proto') ?? '')
  const members = [
    `token=${token}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Lax',
    `Expires=${new Date(expiresAt).toUTCString()}`,
    ...(isSecure ? ['Secure'] : []),
  ]
  setHeader('set-cookie', members.join('; '))
}
