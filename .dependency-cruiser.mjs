// Rooms stand on floors, lowest first. A room imports only from floors below its own: never sideways, never up.
export const floors = [
  ['domain', 'json'],
  ['limits', 'rules', 'catalog', 'dialects', 'store', 'telemetry'],
  ['providers'],
  ['tenancy', 'ledger'],
  ['upstream', 'config', 'plugins', 'mcp'],
  ['billing'],
  ['gateway', 'api'],
  ['http', 'cli'],
  ['compose'],
]

/** What stands among the sources for their tests alone. */
const ofTests = '\\.(test|fixture|conformance|arbitrary)\\.ts$'

const roomsFrom = (lowest) => floors.slice(lowest).flat()

const floorRules = floors.flatMap((rooms, floor) =>
  rooms.map((room) => ({
    name: `floors: ${room}`,
    comment: `src/${room} may import only from floors below its own`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: `^src/(${roomsFrom(floor).join('|')})/`, pathNot: `^src/${room}/` },
  })),
)

export default {
  forbidden: [
    ...floorRules,
    {
      name: 'rooms do not import the entry points',
      severity: 'error',
      from: { path: `^src/(${roomsFrom(0).join('|')})/` },
      to: { path: '^src/[^/]+\\.ts$' },
    },
    {
      name: 'every folder of src is a room with a floor',
      severity: 'error',
      from: { path: `^src/(?!(${roomsFrom(0).join('|')})/)[^/]+/` },
      to: {},
    },
    {
      name: 'the lowest floor does no I/O',
      severity: 'error',
      from: {
        path: '^src/(domain|json|limits|rules|catalog|dialects)/',
        pathNot: '\\.(test|conformance)\\.ts$',
      },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer)$' },
    },
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'the product imports no tests',
      severity: 'error',
      from: { path: '^src/', pathNot: ofTests },
      to: { path: `^(test|bench)/|${ofTests}` },
    },
  ],
  options: { parser: 'swc', tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } },
}
