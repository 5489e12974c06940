import type { Failure } from '../../../domain/failure.ts'
import { isKnownProvider } from '../../../providers/table.ts'
import { baseUrlRule } from '../../rules/base-url.ts'
import type { ProviderSettings } from '../facts.ts'

/** What a provider's sections must be to one another; each member by itself has been judged. */
export function badProvider(name: string, settings: ProviderSettings): Failure | null {
  return (
    badKind(name, settings) ??
    badConcurrency(settings) ??
    badTls(settings) ??
    badBackoff(settings) ??
    badProxy(settings)
  )
}

function badKind(name: string, { custom_provider_config, network_config }: ProviderSettings): Failure | null {
  if (isKnownProvider(name)) {
    return custom_provider_config
      ? invalid('custom_provider_config', 'is not for a provider that is known by its name')
      : null
  }
  if (!custom_provider_config)
    return invalid('custom_provider_config', 'is required: no provider is known by this name')
  if (!network_config?.base_url && custom_provider_config.base_provider_type === 'openai')
    return invalid('network_config.base_url', 'is required for a custom provider')
  const { base_provider_type, request_path_overrides = {} } = custom_provider_config
  const hasOverrides = Object.keys(request_path_overrides).length > 0
  if (hasOverrides && (base_provider_type === 'gemini' || base_provider_type === 'bedrock'))
    return invalid(
      'custom_provider_config.request_path_overrides',
      `are not for the base provider ${base_provider_type}`,
    )
  for (const [kind, path] of Object.entries(request_path_overrides)) {
    if (!path.startsWith('/') && !baseUrlRule.holds(path))
      return invalid(
        `custom_provider_config.request_path_overrides.${kind}`,
        'must be a path that begins with /, or a URL',
      )
  }
  return null
}

function badConcurrency({ concurrency_and_buffer_size: sizes }: ProviderSettings): Failure | null {
  return sizes && sizes.buffer_size < sizes.concurrency
    ? invalid('concurrency_and_buffer_size.buffer_size', 'must be at least concurrency')
    : null
}

function badTls({ network_config = {} }: ProviderSettings): Failure | null {
  return network_config.insecure_skip_verify === true && network_config.ca_cert_pem
    ? invalid('network_config.insecure_skip_verify', 'and ca_cert_pem exclude each other')
    : null
}

function badBackoff({ network_config = {} }: ProviderSettings): Failure | null {
  const { retry_backoff_initial: initial, retry_backoff_max: max } = network_config
  return initial !== undefined && max !== undefined && initial > max
    ? invalid('network_config.retry_backoff_initial', 'must be at most retry_backoff_max')
    : null
}

function badProxy({ proxy_config: proxy }: ProviderSettings): Failure | null {
  const type = proxy?.type
  if (type !== 'http' && type !== 'socks5') return null
  const url = typeof proxy?.url === 'string' ? proxy.url : ''
  const schemes = type === 'http' ? /^https?:$/ : /^socks5h?:$/
  return URL.canParse(url) && schemes.test(new URL(url).protocol) && new URL(url).password === ''
    ? null
    : invalid('proxy_config.url', `must be the URL of the ${type} proxy, without a password`)
}

function invalid(member: string, message: string): Failure {
  return { failure: 'invalid', message: `${member}: ${message}` }
}
