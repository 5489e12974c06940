import { createReadStream } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { Hono } from 'hono'

/** Everything the page needs comes from here: it fetches from no other host. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Tollgate API</title>
  </head>
  <body>
    <div id="reference"></div>
    <script src="/docs/scalar.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`

const startFor = (documents: Documents): string => `Scalar.createApiReference('#reference', {
  sources: ${JSON.stringify(Object.entries(documents).map(([url, { title }]) => ({ url, title })))},
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: 'never',
})
`

/** OpenAPI documents by their path, with what the page calls each. They are read when somebody asks. */
export type Documents = Readonly<
  Record<string, { readonly title: string; read(): Promise<{ readonly default: object }> }>
>

/** The documents, and `/docs`, which renders them. Open to everyone who can reach the gateway. */
export function documentation(documents: Documents): Hono {
  const app = new Hono()
  const scriptPath = join(dirname(scalarRoot()), 'browser', 'standalone.js')
  for (const [path, { read }] of Object.entries(documents)) {
    app.get(path, async (context) => context.json((await read()).default))
  }
  app.get('/docs', (context) => context.html(page, 200, { 'content-security-policy': policy }))
  app.get('/docs/start.js', (context) =>
    context.body(startFor(documents), 200, { 'content-type': 'text/javascript' }),
  )
  app.get('/docs/scalar.js', () => {
    const body = Readable.toWeb(createReadStream(scriptPath)) as ReadableStream
    return new Response(body, {
      headers: { 'content-type': 'text/javascript', 'cache-control': 'public, max-age=3600' },
    })
  })
  return app
}

/** The package's main file, in its `dist`: its other files are not exported, so they are found beside it. */
function scalarRoot(): string {
  return createRequire(import.meta.url).resolve('@scalar/api-reference')
}
