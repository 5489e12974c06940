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

const start = `Scalar.createApiReference('#reference', {
  url: '/openapi.json',
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: 'never',
})
`

/** `/openapi.json` and `/docs`, which renders it. Open to everyone who can reach the gateway. */
export function documentation(document: object): Hono {
  const app = new Hono()
  const scriptPath = join(dirname(scalarRoot()), 'browser', 'standalone.js')
  app.get('/openapi.json', (context) => context.json(document))
  app.get('/docs', (context) => context.html(page, 200, { 'content-security-policy': policy }))
  app.get('/docs/start.js', (context) => context.body(start, 200, { 'content-type': 'text/javascript' }))
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
