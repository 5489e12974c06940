import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { adminRoutes } from './api/admin/routes.ts'
import { adminSurface } from './api/admin/surface.ts'
import { openApiDocument, type Surface } from './api/openapi.ts'
import type { Route } from './api/route.ts'
import { routes } from './api/routes.ts'
import { workspaceSurface } from './api/workspace-surface.ts'
import { settingsReference } from './cli/settings-reference.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

/** What is generated from the code, by path. */
const generated: Readonly<Record<string, string>> = {
  'openapi/frontier.json': documentOf(workspaceSurface, routes),
  'openapi/admin.json': documentOf(adminSurface, adminRoutes),
  'docs/reference/settings.md': settingsReference(),
}

const stale = Object.entries(generated).filter(([path, text]) => textAt(path) !== text)
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is stale: run npm run generate`)
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

function documentOf<Visit>(surface: Surface, routes: readonly Route<Visit>[]): string {
  return `${JSON.stringify(openApiDocument(surface, routes, version), null, 2)}\n`
}

function textAt(path: string): string | null {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return null
  }
}
