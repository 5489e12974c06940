import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import openApiTypes from 'openapi-typescript'
import { adminRoutes } from './api/admin/routes.ts'
import { adminSurface } from './api/admin/surface.ts'
import { allGovernanceRoutes } from './api/governance/routes.ts'
import { governanceSurface } from './api/governance/surface.ts'
import { openApiDocument } from './api/openapi.ts'
import { routes } from './api/routes.ts'
import { workspaceSurface } from './api/workspace-surface.ts'
import { settingsReference } from './cli/settings-reference.ts'
import { catalogJson } from './generate-catalog.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

const typesHeader =
  '// Types of openapi/frontier.json, for openapi-fetch. Generated: see npm run generate.\n\n'

/** What is generated from the code, by path. */
const frontier = openApiDocument(workspaceSurface, routes, version)
const generated: Readonly<Record<string, string>> = {
  'openapi/frontier.json': jsonOf(frontier),
  'openapi/frontier.d.ts': await openApiTypes(frontier as never, { commentHeader: typesHeader }),
  'openapi/admin.json': jsonOf(openApiDocument(adminSurface, adminRoutes, version)),
  'openapi/governance.json': jsonOf(openApiDocument(governanceSurface, allGovernanceRoutes, version)),
  'docs/reference/settings.md': settingsReference(),
  'src/catalog/catalog.json': catalogJson(),
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

function jsonOf(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`
}

function textAt(path: string): string | null {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return null
  }
}
