import type { NodeId, WorkspaceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { WorkspaceKeyType } from './facts.ts'

// What operators see of each thing that they keep, as lists show it: never a secret.

/** A workspace as its operator sees it. */
export interface WorkspaceRecord {
  readonly id: string
  readonly name: string
  readonly onboarded: boolean
  readonly slugPrefixes: readonly string[]
  /** Host names in lower case and without a port. */
  readonly domains: readonly string[]
  /** Verifies the registration of keys (Ed25519, 32 bytes in base64); null where none is on file. */
  readonly registrationPublicKey: string | null
  /** The configuration file has written it, and writes it again once its entry there is another. */
  readonly isInFile: boolean
  readonly createdAt: EpochMs
}

/** All that is shown of a key that manages a workspace. */
export interface WorkspaceKeyRecord {
  readonly id: string
  readonly name: string
  readonly type: WorkspaceKeyType
  /** The configuration file has written it, and writes it again once its entry there is another. */
  readonly isInFile: boolean
  readonly createdAt: EpochMs
}

/** All that is shown of a provider's credential: never its value. */
export interface SecretRecord {
  readonly id: string
  /** The configuration file has written it, and writes it again once its entry there is another. */
  readonly isInFile: boolean
  readonly createdAt: EpochMs
  /** When its value was last another. */
  readonly updatedAt: EpochMs
}

/** All that is shown of an environment: never its key. */
export interface EnvironmentRecord {
  readonly name: string
  readonly baseUrl: string
  readonly model: string | null
  readonly hasApiKey: boolean
  readonly region: string | null
  /** The configuration file has written it, and writes it again once its entry there is another. */
  readonly isInFile: boolean
}

/** A model of a workspace's own; it is there as long as one environment serves it. */
export interface ModelRecord {
  readonly id: string
  /** By name. */
  readonly environments: readonly EnvironmentRecord[]
}

/** An environment as its operator wants it, whole. */
export interface EnvironmentWish {
  readonly name: string
  readonly baseUrl: string
  readonly model: string | null
  readonly apiKey: string | null
  readonly region: string | null
}

/** All that is shown of an admin key. */
export interface AdminKeyRecord {
  readonly id: string
  readonly name: string
  /** The configuration file has written it, and writes it again once its value there is another. */
  readonly isInFile: boolean
  readonly createdAt: EpochMs
}

/** A key by its public part. */
export interface ExplainedKey {
  readonly prefix: string
  readonly name: string | null
  readonly workspaceId: WorkspaceId
  readonly nodeId: NodeId | null
  readonly isRevoked: boolean
}
