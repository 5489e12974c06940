import type { z } from 'zod'
import type { AuthConfig, JwtConfig } from '../../tenancy/governance/facts.ts'
import { redactedSecret } from '../../tenancy/governance/logins/auth.ts'
import type { AuthConfig as AuthSchema } from './schemas.ts'

/** How people come in, without what would let somebody in. */
export function toAuthConfig(auth: AuthConfig): z.input<typeof AuthSchema> {
  return {
    is_enabled: auth.isEnabled,
    admin_username: auth.adminUsername,
    admin_password: auth.adminPasswordHash === '' ? '' : redactedSecret,
    disable_auth_on_inference: auth.disableAuthOnInference,
    jwt: auth.jwt && toJwt(auth.jwt),
  }
}

function toJwt({ key, ...jwt }: JwtConfig) {
  return {
    ...('publicKey' in key ? { public_key: key.publicKey } : { secret: redactedSecret }),
    issuer: jwt.issuer,
    audience: jwt.audience,
    tenant: jwt.tenant,
    admin_roles: [...jwt.adminRoles],
    leeway: jwt.leewayMs % 1000 === 0 ? `${jwt.leewayMs / 1000}s` : `${jwt.leewayMs}ms`,
    allow_vk_reads: jwt.allowVkReads,
  }
}
