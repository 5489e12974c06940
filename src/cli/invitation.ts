/** The demo world of a gateway without configuration. */
export interface Demo {
  readonly model: string
  /** Null at a later start: only its digest is kept. */
  readonly key: string | null
}

/** A call to try, which works when pasted; at a later start also how to get a key for it. */
export function inviteTo(url: string, { model, key }: Demo): string {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
  const call = [
    `curl ${url}/v1/chat/completions \\`,
    `  -H "Authorization: Api-Key ${key ?? '$TOLLGATE_KEY'}" -H "Content-Type: application/json" \\`,
    `  -d '${body}'`,
  ].join('\n')
  if (key !== null) return `\nTry a governed call:\n\n${call}\n`
  return `
Try a governed call with a key of yours:

${call}

To mint one, with your admin key in $ADMIN_KEY (lost? \`tollgate admin-key new\` makes another):

curl -g "${url}/v1/gateway/groups?external_entity_id=demo" -H "Authorization: Api-Key $ADMIN_KEY"
curl -X POST ${url}/v1/gateway/groups/GROUP_ID/api_keys -H "Authorization: Api-Key $ADMIN_KEY"
`
}
