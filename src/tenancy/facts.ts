import type { EndpointId, KeyId, NodeId, WorkspaceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Secret } from './sealing/secret.ts'

/** A tenant. Everything else belongs to one. */
export interface WorkspaceFact {
  readonly id: WorkspaceId
  readonly name: string
  /** Whether the workspace may use the gateway's own API at all. */
  readonly onboarded: boolean
  /** Host names of its own, in lower case and without a port. */
  readonly domains: readonly string[]
  /** Verifies the registration of keys (Ed25519, 32 bytes in base64); null where none is on file. */
  readonly registrationPublicKey: string | null
}

export type WorkspaceKeyType =
  | 'PERSONAL'
  | 'WORKSPACE_MANAGE_ALL'
  | 'WORKSPACE_INVOKE'
  | 'WORKSPACE_EXPORT_METRICS'
  | 'WORKSPACE_MANAGE_API_KEYS'

/** A live management credential of one workspace. */
export interface WorkspaceKeyFact {
  readonly id: string
  readonly workspaceId: WorkspaceId
  readonly type: WorkspaceKeyType
  readonly digest: Buffer
}

/** A live credential of the operator. */
export interface AdminKeyFact {
  readonly id: string
  readonly name: string
  readonly digest: Buffer
}

/** A credential that applications call models with. Revoked ones are kept: they are refused as revoked for ever. */
export interface KeyFact {
  readonly id: KeyId
  readonly workspaceId: WorkspaceId
  /** Null where the key hangs on no place in a tree. */
  readonly nodeId: NodeId | null
  readonly style: 'federated' | 'virtual'
  readonly prefix: string
  readonly digest: Buffer
  readonly revoked: boolean
}

/** How limits count down a tree. INDEPENDENT: on the group's own counters. CASCADING: on every ancestor's too. */
export type Enforcement = 'INDEPENDENT' | 'CASCADING'

/** A live group. Its parents are reached by `parentId`; nothing holds a list of children. */
export interface NodeFact {
  readonly id: NodeId
  readonly workspaceId: WorkspaceId
  readonly kind: 'group'
  readonly parentId: NodeId | null
  readonly rootId: NodeId
  /** 1 for a root. */
  readonly depth: number
  readonly name: string | null
  readonly externalId: string
  readonly enforcement: Enforcement
  /** What its keys may call, in the order in which its owner listed them. */
  readonly models: readonly ModelFact[]
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
}

export interface ModelFact {
  readonly slug: string
  /** Rate limits first, then usage limits, each in the order in which its owner listed them. */
  readonly limits: readonly LimitFact[]
}

export interface LimitFact {
  readonly family: 'rate' | 'usage'
  readonly metric: 'request' | 'token'
  readonly unit: 'second' | 'minute' | 'day'
  readonly threshold: number
  readonly strict: boolean
}

/** Where a slug leads. */
export interface EndpointFact {
  readonly id: EndpointId
  readonly workspaceId: WorkspaceId
  readonly slug: string
  readonly region: Region
  readonly targets: readonly [TargetFact]
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
}

export type Region = 'UNRESTRICTED' | 'EU'

export type TargetFact =
  | {
      readonly provider: 'BASETEN'
      readonly modelId: string
      /** Null is production. */
      readonly environment: string | null
      readonly targetModel: string | null
    }
  | {
      readonly provider: 'ANTHROPIC' | 'OPENAI' | 'XAI'
      readonly targetModel: string
      readonly secretId: string
    }
  | {
      readonly provider: 'OPENAI_COMPATIBLE'
      readonly targetModel: string
      readonly secretId: string
      readonly baseUrl: string
    }
  | {
      readonly provider: 'VERTEX'
      readonly targetModel: string
      readonly secretId: string
      readonly projectId: string
      readonly location: string
    }
  | { readonly provider: 'BASETEN_MODEL_API'; readonly targetModel: string }

/** A model of the workspace's own and one environment that serves it. */
export interface EnvironmentFact {
  readonly workspaceId: WorkspaceId
  readonly modelId: string
  readonly name: string
  /** Ends in `/v1`. */
  readonly baseUrl: string
  readonly model: string | null
  /** `sealed` when there is a key that this master key does not open. */
  readonly apiKey: Secret | 'sealed' | null
  readonly region: string | null
}

/** A provider credential that targets name by id. */
export interface SecretFact {
  readonly workspaceId: WorkspaceId
  readonly id: string
  readonly value: Secret | 'sealed'
}

/** The name of the environment that a target means when it names none. */
export const productionEnvironment = 'production'
