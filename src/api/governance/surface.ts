import { adminSurface } from '../admin/surface.ts'
import type { Surface } from '../openapi.ts'

/** The governance API: `/api/governance`, and what sets it up beside it under `/api`. */
export const governanceSurface: Surface = {
  ...adminSurface,
  description:
    'Who may use which providers and models, and how much: customers, teams, virtual keys, their limits.',
  tags: [
    { name: 'Customers', description: 'Who pays.' },
    { name: 'Teams', description: 'Some virtual keys under one roof.' },
    { name: 'Virtual keys', description: 'Credentials of applications.' },
    { name: 'Limits', description: 'Budgets and rate limits of all owners.' },
    { name: 'Model configs', description: 'Limits of models.' },
    { name: 'Providers', description: 'Limits of providers.' },
    { name: 'Routing rules', description: 'What sends calls elsewhere than they asked.' },
    { name: 'Pricing overrides', description: "Prices of the operator's own." },
    { name: 'Provider setup', description: 'Who serves models, and the keys to them.' },
    { name: 'Models', description: 'What keys can be used for.' },
    { name: 'MCP', description: 'Servers of tools.' },
    { name: 'Configuration', description: 'Switches, and how people come in.' },
    { name: 'Session', description: 'Logging in and out.' },
    { name: 'Status', description: 'What is running, and how it is.' },
  ],
}
