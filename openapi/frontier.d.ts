// Types of openapi/frontier.json, for openapi-fetch. Generated: see npm run generate.


export interface paths {
  "/v1/gateway/groups": {
    /**
     * Lists groups
     * @description The workspace's groups, oldest first. An external id is unique in a workspace, so filtering by it gives at most one.
     */
    get: operations["GetGatewayGroups"];
    /**
     * Creates a group
     * @description A group stands alone or below another, at most five levels deep. Its place never changes.
     */
    post: operations["PostGatewayGroups"];
  };
  "/v1/gateway/groups/{group_id}": {
    /**
     * Gets a group
     * @description By its id. To find one by its external id, list the groups with that filter.
     */
    get: operations["GetGatewayGroupsGroupId"];
    /**
     * Deletes a group
     * @description And every group below it. Their keys are revoked for good, and their external ids may be used again.
     */
    delete: operations["DeleteGatewayGroups"];
    /**
     * Updates a group
     * @description Renames a group, replaces its models and limits, or both. Takes effect on the next call, on descendants too.
     */
    patch: operations["PatchGatewayGroups"];
  };
  "/v1/gateway/groups/{group_id}/usage": {
    /**
     * Gets a group's usage
     * @description What its keys have used of the daily limits that hold for it, up to the last call that has ended. In a cascading tree a limit that an ancestor declares shows what all groups below that ancestor have used.
     */
    get: operations["GetGatewayGroupsUsage"];
  };
  "/v1/gateway/groups/{group_id}/api_keys": {
    /**
     * Lists a group's API keys
     * @description Oldest first. Revoked keys are not listed.
     */
    get: operations["GetGatewayGroupsApiKeys"];
    /**
     * Creates an API key
     * @description For the group's applications to call models with. The body may be left out.
     */
    post: operations["PostGatewayGroupsApiKeys"];
  };
  "/v1/gateway/groups/{group_id}/api_keys/register": {
    /**
     * Registers an API key that you have issued
     * @description It works like one made here, and goes by its first 16 characters, which stay taken in the workspace for good. The workspace needs a public key on file.
     */
    post: operations["PostGatewayGroupsApiKeysRegister"];
  };
  "/v1/gateway/groups/{group_id}/api_keys/{api_key_prefix}": {
    /**
     * Gets an API key
     * @description By its prefix, percent-encoded where it needs to be.
     */
    get: operations["GetGatewayGroupsApiKeysApiKeyPrefix"];
    /**
     * Revokes an API key
     * @description For good: its next call is refused. Other keys of the group go on.
     */
    delete: operations["DeleteGatewayGroupsApiKeys"];
  };
  "/v1/gateway/endpoints": {
    /**
     * Lists endpoints
     * @description The workspace's endpoints, oldest first.
     */
    get: operations["GetGatewayEndpoints"];
    /**
     * Creates an endpoint
     * @description Leads a slug to a target. A slug is unique over all workspaces.
     */
    post: operations["PostGatewayEndpoints"];
  };
  "/v1/gateway/endpoints/{endpoint_id}": {
    /**
     * Gets an endpoint
     * @description By its id, which a rename does not change.
     */
    get: operations["GetGatewayEndpointsEndpointId"];
    /**
     * Deletes an endpoint
     * @description Its slug stops leading anywhere and may be used again at once. Groups that list it keep it.
     */
    delete: operations["DeleteGatewayEndpoints"];
    /**
     * Updates an endpoint
     * @description Renames it, replaces its targets, or both. Takes effect on the next call.
     */
    patch: operations["PatchGatewayEndpoints"];
  };
  "/v1/audit_logs": {
    /**
     * Lists what was done in the workspace
     * @description Newest first: who has changed which endpoint, group, key or signing secret.
     */
    get: operations["GetAuditLogs"];
  };
  "/v1/gateway/events": {
    /**
     * Lists usage events
     * @description One for each call that used tokens, oldest first. The last minute is held back, and longer what an instance of the gateway has not stored yet, so that nothing can come to stand before what was given already.
     */
    get: operations["GetGatewayEvents"];
  };
}

export type webhooks = Record<string, never>;

export interface components {
  schemas: {
    /**
     * @example {
     *   "id": "g_01KB2Q9V7M3C4D5E6F7G8H9J0K",
     *   "metadata": {
     *     "name": "Northwind / research",
     *     "external_entity_id": "nw-research"
     *   },
     *   "models": [
     *     {
     *       "slug": "aurora/lumen-2",
     *       "rate_limits": [
     *         {
     *           "type": "TOKEN",
     *           "unit": "MINUTE",
     *           "threshold": 60000
     *         }
     *       ],
     *       "usage_limits": []
     *     }
     *   ],
     *   "effective_models": [
     *     {
     *       "slug": "aurora/lumen-2",
     *       "rate_limits": [
     *         {
     *           "type": "TOKEN",
     *           "unit": "MINUTE",
     *           "threshold": 60000,
     *           "source_group": "g_01KB2Q9V7M3C4D5E6F7G8H9J0K"
     *         }
     *       ],
     *       "usage_limits": []
     *     }
     *   ],
     *   "hierarchy": {
     *     "limit_enforcement": "INDEPENDENT",
     *     "parent_group_id": null
     *   },
     *   "created_at": "2026-11-02T08:20:00Z"
     * }
     */
    Group: {
      id: string;
      metadata: components["schemas"]["GroupMetadata"];
      /** @description As declared on this group. Exactly these slugs may be called. */
      models: components["schemas"]["GroupModel"][];
      /** @description The limits that hold, inherited ones included. Computed. */
      effective_models: components["schemas"]["EffectiveGroupModel"][];
      hierarchy: {
        limit_enforcement: components["schemas"]["LimitEnforcement"];
        parent_group_id: string | null;
      };
      /** Format: date-time */
      created_at: string;
    };
    GroupMetadata: {
      name: string | null;
      external_entity_id: string;
    };
    GroupModel: {
      slug: string;
      rate_limits: components["schemas"]["RateLimit"][];
      usage_limits: components["schemas"]["UsageLimit"][];
    };
    /** @description A ceiling over a rolling second or minute. */
    RateLimit: {
      /** @enum {string} */
      type: "TOKEN" | "REQUEST";
      /** @enum {string} */
      unit: "SECOND" | "MINUTE";
      /** @description Most units per window; 0 lets nothing through. */
      threshold: number;
      /** @description Never overrun, not even by calls in flight: tokens are held at their worst case. */
      strict?: boolean | null;
    };
    /** @description A ceiling over a UTC day. */
    UsageLimit: {
      /** @enum {string} */
      type: "TOKEN" | "REQUEST";
      /** @enum {string} */
      unit: "DAY";
      /** @description Most units per window; 0 lets nothing through. */
      threshold: number;
      /** @description Never overrun, not even by calls in flight: tokens are held at their worst case. */
      strict?: boolean | null;
    };
    EffectiveGroupModel: {
      slug: string;
      rate_limits: components["schemas"]["EffectiveRateLimit"][];
      usage_limits: components["schemas"]["EffectiveUsageLimit"][];
    };
    /** @description As it holds. */
    EffectiveRateLimit: {
      /** @enum {string} */
      type: "TOKEN" | "REQUEST";
      /** @enum {string} */
      unit: "SECOND" | "MINUTE";
      /** @description Most units per window; 0 lets nothing through. */
      threshold: number;
      /** @description Never overrun, not even by calls in flight: tokens are held at their worst case. */
      strict?: boolean | null;
      /** @description The group that declares the limit. */
      source_group: string;
    };
    /** @description As it holds. */
    EffectiveUsageLimit: {
      /** @enum {string} */
      type: "TOKEN" | "REQUEST";
      /** @enum {string} */
      unit: "DAY";
      /** @description Most units per window; 0 lets nothing through. */
      threshold: number;
      /** @description Never overrun, not even by calls in flight: tokens are held at their worst case. */
      strict?: boolean | null;
      /** @description The group that declares the limit. */
      source_group: string;
    };
    /**
     * @description INDEPENDENT: each group counts for itself. CASCADING: a call counts for every ancestor too.
     * @enum {string}
     */
    LimitEnforcement: "INDEPENDENT" | "CASCADING";
    Error: {
      /** @example VALIDATION_ERROR */
      code: string;
      message: string;
    };
    TooManyRequests: {
      error: string;
      /** @description Seconds, as in `Retry-After`. */
      retry_after: number;
    };
    /**
     * @example {
     *   "metadata": {
     *     "name": "Northwind / research",
     *     "external_entity_id": "nw-research"
     *   },
     *   "models": [
     *     {
     *       "slug": "aurora/lumen-2",
     *       "rate_limits": [
     *         {
     *           "type": "TOKEN",
     *           "unit": "MINUTE",
     *           "threshold": 60000
     *         }
     *       ],
     *       "usage_limits": [
     *         {
     *           "type": "TOKEN",
     *           "unit": "DAY",
     *           "threshold": 5000000
     *         }
     *       ]
     *     }
     *   ],
     *   "hierarchy": {
     *     "limit_enforcement": "CASCADING"
     *   }
     * }
     */
    NewGroup: {
      metadata: {
        name?: string | null;
        /** @description Unique among the live groups of the workspace. */
        external_entity_id: string;
      };
      models: components["schemas"]["GroupModelInput"][];
      hierarchy: {
        /**
         * @description Left out: the parent's, INDEPENDENT for a root. One mode holds for a whole tree.
         * @enum {string|null}
         */
        limit_enforcement?: "INDEPENDENT" | "CASCADING" | null;
        /** @description Null or left out: the group is a root. */
        parent_group_id?: string | null;
      };
    };
    GroupModelInput: {
      /** @description The slug of an endpoint of the workspace; it need not exist yet. */
      slug: string;
      rate_limits?: components["schemas"]["RateLimit"][] | null;
      usage_limits?: components["schemas"]["UsageLimit"][] | null;
    };
    /**
     * @example {
     *   "metadata": {
     *     "name": "Northwind"
     *   }
     * }
     */
    GroupPatch: {
      metadata?: ({
        /** @description Null clears the name. */
        name?: string | null;
        /** @description Refused: it cannot be changed. */
        external_entity_id?: unknown;
      }) | null;
      /** @description Replaces all models and all their limits; an empty list clears them. */
      models?: components["schemas"]["GroupModelInput"][] | null;
      /** @description Refused: it cannot be changed. */
      hierarchy?: unknown;
    };
    DeletedGroup: {
      id: string;
      metadata: components["schemas"]["GroupMetadata"];
      /** Format: date-time */
      deleted_at: string;
    };
    GroupUsage: {
      /** @description The group's `metadata.external_entity_id`. */
      customer_id: string;
      /** @description By slug; slugs without a usage limit are left out. */
      usage: {
        [key: string]: components["schemas"]["Usage"][];
      };
    };
    Usage: {
      /** @enum {string} */
      type: "TOKEN" | "REQUEST";
      /** @enum {string} */
      unit: "DAY";
      /** @description As it holds for the group, inherited or its own. */
      threshold: number;
      /** @description Units counted since midnight UTC; null until something was counted. */
      current_usage: number | null;
      /**
       * Format: date-time
       * @description The next midnight UTC; null until something was counted.
       */
      reset_at: string | null;
    };
    /** @description All that is ever shown of a key once it was made. */
    ApiKey: {
      prefix: string;
      name: string | null;
    };
    /**
     * @example {
     *   "api_key": "sky_Jt4mQv8ZnR2c.SECRET",
     *   "prefix": "sky_Jt4mQv8ZnR2c",
     *   "name": "ci"
     * }
     */
    MintedApiKey: {
      /** @description The key itself. It is shown here and never again. */
      api_key: string;
      prefix: string;
      name: string | null;
    };
    /**
     * @example {
     *   "name": "ci"
     * }
     */
    NewApiKey: {
      name?: string | null;
    };
    RegisteredApiKey: {
      /** @enum {boolean} */
      ok: true;
    };
    ForeignApiKey: {
      /** @description The key as its holder has it, of at least 3 bits of entropy per character. Never shown again. */
      key: string;
      name?: string | null;
    };
    RevokedApiKey: {
      prefix: string;
    };
    /**
     * @example {
     *   "id": "ep_01KB2Q9V7M3C4D5E6F7G8H9J0K",
     *   "slug": "aurora/lumen-2",
     *   "region": "UNRESTRICTED",
     *   "targets": [
     *     {
     *       "provider": "BASETEN",
     *       "model_id": "q7w3zkd",
     *       "environment_name": "canary"
     *     }
     *   ],
     *   "created_at": "2026-11-02T08:15:00Z",
     *   "updated_at": "2026-11-02T08:15:00Z"
     * }
     */
    Endpoint: {
      id: string;
      slug: string;
      region: components["schemas"]["Region"];
      targets: components["schemas"]["EndpointTarget"][];
      /** Format: date-time */
      created_at: string;
      /** Format: date-time */
      updated_at: string;
    };
    /**
     * @description EU: only to environments in the EU, where there are any.
     * @enum {string}
     */
    Region: "UNRESTRICTED" | "EU";
    /** @description Where calls go. Members that do not apply are absent or null. */
    EndpointTarget: components["schemas"]["BasetenTarget"] | components["schemas"]["AnthropicTarget"] | components["schemas"]["OpenAiTarget"] | components["schemas"]["XAiTarget"] | components["schemas"]["OpenAiCompatibleTarget"] | components["schemas"]["VertexTarget"] | components["schemas"]["BasetenModelApiTarget"];
    BasetenTarget: {
      /** @example q7w3zkd */
      model_id: string;
      /** @description Left out or `production`: production. */
      environment_name?: string | null;
      target_model?: string | null;
      secret_id?: null;
      base_url?: null;
      vertex_config?: null;
      /** @enum {string} */
      provider: "BASETEN";
    };
    AnthropicTarget: {
      model_id?: null;
      environment_name?: null;
      target_model: string;
      secret_id: string;
      base_url?: null;
      vertex_config?: null;
      /** @enum {string} */
      provider: "ANTHROPIC";
    };
    OpenAiTarget: {
      model_id?: null;
      environment_name?: null;
      target_model: string;
      secret_id: string;
      base_url?: null;
      vertex_config?: null;
      /** @enum {string} */
      provider: "OPENAI";
    };
    XAiTarget: {
      model_id?: null;
      environment_name?: null;
      target_model: string;
      secret_id: string;
      base_url?: null;
      vertex_config?: null;
      /** @enum {string} */
      provider: "XAI";
    };
    OpenAiCompatibleTarget: {
      model_id?: null;
      environment_name?: null;
      target_model: string;
      secret_id: string;
      /**
       * Format: uri
       * @example https://llm.example.com/v1
       */
      base_url: string;
      vertex_config?: null;
      /** @enum {string} */
      provider: "OPENAI_COMPATIBLE";
    };
    VertexTarget: {
      model_id?: null;
      environment_name?: null;
      target_model: string;
      secret_id: string;
      base_url?: null;
      vertex_config: components["schemas"]["VertexConfig"];
      /** @enum {string} */
      provider: "VERTEX";
    };
    VertexConfig: {
      project_id: string;
      location: string;
    };
    BasetenModelApiTarget: {
      model_id?: null;
      environment_name?: null;
      target_model: string;
      secret_id?: null;
      base_url?: null;
      vertex_config?: null;
      /** @enum {string} */
      provider: "BASETEN_MODEL_API";
    };
    /**
     * @example {
     *   "slug": "aurora/lumen-2",
     *   "targets": [
     *     {
     *       "provider": "BASETEN",
     *       "model_id": "q7w3zkd"
     *     }
     *   ]
     * }
     */
    NewEndpoint: {
      /**
       * @description The `model` that callers send: a prefix of the workspace's, one slash, a name.
       * @example aurora/lumen-2
       */
      slug: string;
      targets: components["schemas"]["EndpointTarget"][];
      region?: components["schemas"]["Region"] | null;
    };
    EndpointPatch: {
      /**
       * @description Renames the endpoint.
       * @example aurora/lumen-2
       */
      slug?: string | null;
      /** @description Replaces all targets. */
      targets?: components["schemas"]["EndpointTarget"][] | null;
    };
    DeletedEndpoint: {
      id: string;
      slug: string;
    };
    AuditLogEntry: {
      id: string;
      /** Format: date-time */
      created: string;
      /** @example GATEWAY_ENDPOINT_UPDATED */
      event_type: string;
      /**
       * @description What it was done to, by the type of event; never a secret.
       * @example {
       *   "event_type": "GATEWAY_ENDPOINT_UPDATED",
       *   "gateway_endpoint_id": "ep_01",
       *   "slug": "aurora/lumen-3",
       *   "previous_slug": "aurora/lumen-2"
       * }
       */
      event_data: {
        event_type: string;
        [key: string]: unknown;
      };
      /** @enum {string} */
      source: "API" | "OTHER";
      actor: components["schemas"]["AuditActor"];
    };
    AuditActor: {
      /**
       * @description A key, or the gateway and its configuration.
       * @enum {string}
       */
      type: "API_KEY" | "BASETEN_SYSTEM";
      /** @description Of the workspace key or admin key; else what part of the gateway it was. */
      id: string;
      email: null;
      /** @description Of the keys that manage, no part is kept. */
      api_key_prefix: null;
    };
    BillingEvent: {
      /** @enum {string} */
      type: "API_BILLING_USAGE";
      /** @description The same each time the event is seen, pulled or posted. */
      idempotencyKey: string;
      /**
       * Format: date-time
       * @description When the call was settled.
       */
      timestamp: string;
      /** @description As `X-Baseten-Request-Id` told the caller. */
      requestId: string;
      modelSlug: string;
      /** @description Of the group that owns the call's key. */
      externalEntityId: string | null;
      apiKeyPrefix: string;
      tokens: {
        /** @description Cached ones included. */
        inputTokens: number;
        outputTokens: number;
        cachedInputTokens: number;
      };
    };
  };
  responses: never;
  parameters: {
  };
  requestBodies: never;
  headers: never;
  pathItems: never;
}

export type $defs = Record<string, never>;

export type external = Record<string, never>;

export interface operations {

  /**
   * Lists groups
   * @description The workspace's groups, oldest first. An external id is unique in a workspace, so filtering by it gives at most one.
   */
  GetGatewayGroups: {
    parameters: {
      query?: {
        /** @description Exactly this `metadata.external_entity_id`. */
        external_entity_id?: string;
        /** @description Items of one page. */
        limit?: number;
        /** @description As the page before gave it, with the same filters. Left out on the first call. */
        cursor?: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": {
            items: components["schemas"]["Group"][];
            pagination: {
              has_more: boolean;
              /** @description For the next page; null on the last one. */
              cursor: string | null;
            };
          };
        };
      };
      /** @description A limit or cursor that is none of ours */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Creates a group
   * @description A group stands alone or below another, at most five levels deep. Its place never changes.
   */
  PostGatewayGroups: {
    requestBody: {
      content: {
        "application/json": components["schemas"]["NewGroup"];
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["Group"];
        };
      };
      /** @description A body that is not valid, an external id in use, another mode than the parent, too deep, or a limit above an ancestor */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The parent does not exist */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body stopped arriving */
      408: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body is larger than 1 MiB */
      413: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Gets a group
   * @description By its id. To find one by its external id, list the groups with that filter.
   */
  GetGatewayGroupsGroupId: {
    parameters: {
      path: {
        /** @description The group's `id`. */
        group_id: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["Group"];
        };
      };
      /** @description The request is not valid */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The group is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such group, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Deletes a group
   * @description And every group below it. Their keys are revoked for good, and their external ids may be used again.
   */
  DeleteGatewayGroups: {
    parameters: {
      path: {
        /** @description The group's `id`. */
        group_id: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["DeletedGroup"];
        };
      };
      /** @description The request is not valid */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The group is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such group, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Updates a group
   * @description Renames a group, replaces its models and limits, or both. Takes effect on the next call, on descendants too.
   */
  PatchGatewayGroups: {
    parameters: {
      path: {
        /** @description The group's `id`. */
        group_id: string;
      };
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["GroupPatch"];
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["Group"];
        };
      };
      /** @description A body that is not valid or names what cannot be changed, or a limit above an ancestor or below a descendant */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The group is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such group, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body stopped arriving */
      408: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body is larger than 1 MiB */
      413: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Gets a group's usage
   * @description What its keys have used of the daily limits that hold for it, up to the last call that has ended. In a cascading tree a limit that an ancestor declares shows what all groups below that ancestor have used.
   */
  GetGatewayGroupsUsage: {
    parameters: {
      path: {
        /** @description The group's `id`. */
        group_id: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["GroupUsage"];
        };
      };
      /** @description The request is not valid */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The group is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such group, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Lists a group's API keys
   * @description Oldest first. Revoked keys are not listed.
   */
  GetGatewayGroupsApiKeys: {
    parameters: {
      query?: {
        /** @description Items of one page. */
        limit?: number;
        /** @description As the page before gave it, with the same filters. Left out on the first call. */
        cursor?: string;
      };
      path: {
        /** @description The group's `id`. */
        group_id: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": {
            items: components["schemas"]["ApiKey"][];
            pagination: {
              has_more: boolean;
              /** @description For the next page; null on the last one. */
              cursor: string | null;
            };
          };
        };
      };
      /** @description A limit or cursor that is none of ours */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The group is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such group, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Creates an API key
   * @description For the group's applications to call models with. The body may be left out.
   */
  PostGatewayGroupsApiKeys: {
    parameters: {
      path: {
        /** @description The group's `id`. */
        group_id: string;
      };
    };
    requestBody?: {
      content: {
        "application/json": components["schemas"]["NewApiKey"];
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["MintedApiKey"];
        };
      };
      /** @description A body that is not valid */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The group is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such group, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body stopped arriving */
      408: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body is larger than 1 MiB */
      413: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Registers an API key that you have issued
   * @description It works like one made here, and goes by its first 16 characters, which stay taken in the workspace for good. The workspace needs a public key on file.
   */
  PostGatewayGroupsApiKeysRegister: {
    parameters: {
      header: {
        /** @description Ed25519 signature of the body's exact bytes, made with the private key to the one on file. */
        "X-Baseten-Signature": string;
      };
      path: {
        /** @description The group's `id`. */
        group_id: string;
      };
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["ForeignApiKey"];
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["RegisteredApiKey"];
        };
      };
      /** @description No public key on file, a signature that does not verify, a body that is not valid, a key that is too short, too long or too regular, or one whose first 16 characters are taken */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The group is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such group, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body stopped arriving */
      408: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body is larger than 1 MiB */
      413: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Gets an API key
   * @description By its prefix, percent-encoded where it needs to be.
   */
  GetGatewayGroupsApiKeysApiKeyPrefix: {
    parameters: {
      path: {
        /** @description The group's `id`. */
        group_id: string;
        /** @description The key's `prefix`, percent-encoded. */
        api_key_prefix: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["ApiKey"];
        };
      };
      /** @description The request is not valid */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The group is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such group, or no such live key in it */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Revokes an API key
   * @description For good: its next call is refused. Other keys of the group go on.
   */
  DeleteGatewayGroupsApiKeys: {
    parameters: {
      path: {
        /** @description The group's `id`. */
        group_id: string;
        /** @description The key's `prefix`, percent-encoded. */
        api_key_prefix: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["RevokedApiKey"];
        };
      };
      /** @description The request is not valid */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The group is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such group, or no such live key in it */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Lists endpoints
   * @description The workspace's endpoints, oldest first.
   */
  GetGatewayEndpoints: {
    parameters: {
      query?: {
        /** @description Items of one page. */
        limit?: number;
        /** @description As the page before gave it, with the same filters. Left out on the first call. */
        cursor?: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": {
            items: components["schemas"]["Endpoint"][];
            pagination: {
              has_more: boolean;
              /** @description For the next page; null on the last one. */
              cursor: string | null;
            };
          };
        };
      };
      /** @description A limit or cursor that is none of ours */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Creates an endpoint
   * @description Leads a slug to a target. A slug is unique over all workspaces.
   */
  PostGatewayEndpoints: {
    requestBody: {
      content: {
        "application/json": components["schemas"]["NewEndpoint"];
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["Endpoint"];
        };
      };
      /** @description A body that is not valid, a prefix that is not the workspace's, a slug in use, or an unknown model, environment or secret */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body stopped arriving */
      408: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body is larger than 1 MiB */
      413: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Gets an endpoint
   * @description By its id, which a rename does not change.
   */
  GetGatewayEndpointsEndpointId: {
    parameters: {
      path: {
        /** @description The endpoint's `id`. */
        endpoint_id: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["Endpoint"];
        };
      };
      /** @description The request is not valid */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The endpoint is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such endpoint, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Deletes an endpoint
   * @description Its slug stops leading anywhere and may be used again at once. Groups that list it keep it.
   */
  DeleteGatewayEndpoints: {
    parameters: {
      path: {
        /** @description The endpoint's `id`. */
        endpoint_id: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["DeletedEndpoint"];
        };
      };
      /** @description The request is not valid */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The endpoint is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such endpoint, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Updates an endpoint
   * @description Renames it, replaces its targets, or both. Takes effect on the next call.
   */
  PatchGatewayEndpoints: {
    parameters: {
      path: {
        /** @description The endpoint's `id`. */
        endpoint_id: string;
      };
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["EndpointPatch"];
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": components["schemas"]["Endpoint"];
        };
      };
      /** @description A body that is not valid, a prefix that is not the workspace's, a slug in use, or an unknown model, environment or secret */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway. The endpoint is another workspace's */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description There is no such endpoint, or it was deleted */
      404: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body stopped arriving */
      408: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The body is larger than 1 MiB */
      413: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Lists what was done in the workspace
   * @description Newest first: who has changed which endpoint, group, key or signing secret.
   */
  GetAuditLogs: {
    parameters: {
      query?: {
        /** @description Items of one page. */
        limit?: number;
        /** @description As the page before gave it, with the same filters. Left out on the first call. */
        cursor?: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": {
            items: components["schemas"]["AuditLogEntry"][];
            pagination: {
              has_more: boolean;
              /** @description For the next page; null on the last one. */
              cursor: string | null;
            };
          };
        };
      };
      /** @description A limit or cursor that is none of ours */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
  /**
   * Lists usage events
   * @description One for each call that used tokens, oldest first. The last minute is held back, and longer what an instance of the gateway has not stored yet, so that nothing can come to stand before what was given already.
   */
  GetGatewayEvents: {
    parameters: {
      query?: {
        /** @description Events from here on. Required without a cursor. RFC 3339, in UTC or with an offset. */
        start_time?: string;
        /** @description Events before it. Left out or too late: as late as events cannot arrive any more, at least a minute ago. RFC 3339, in UTC or with an offset. */
        end_time?: string;
        /** @description Items of one page. */
        limit?: number;
        /** @description Prefixes of keys. Repeat the parameter for each value; events of any of them are given. */
        api_keys?: string[];
        /** @description External ids of groups. Repeat the parameter for each value; events of any of them are given. */
        external_entity_ids?: string[];
        /** @description As the page before gave it. It fixes window, filters and limit: nothing else is looked at. */
        cursor?: string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        content: {
          "application/json": {
            items: components["schemas"]["BillingEvent"][];
            pagination: {
              has_more: boolean;
              /** @description For the next page; null on the last one. */
              cursor: string | null;
            };
          };
        };
      };
      /** @description No start, a window that ends before it begins, a time, limit or cursor that is none */
      400: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description No credential, or one that is not valid here */
      401: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The workspace is not onboarded, or the key may not manage the gateway */
      403: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The key calls this route too often */
      429: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["TooManyRequests"];
        };
      };
      /** @description The head of the request is larger than 32 KiB */
      431: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description A fault of the gateway */
      500: {
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
      /** @description The gateway cannot do this now */
      503: {
        headers: {
          /** @description Seconds until another try makes sense. */
          "Retry-After"?: number;
        };
        content: {
          "application/json": components["schemas"]["Error"];
        };
      };
    };
  };
}
