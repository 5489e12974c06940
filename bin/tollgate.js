#!/usr/bin/env -S node --use-largepages=silent
// Plain JavaScript, so that an older Node can read far enough to be told that it is too old.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `Tollgate needs Node 24 or newer, and this is ${process.version}. In a checkout, run \`npm ci\` and then \`npm start\` or \`npx node bin/tollgate.js\`: both use the Node that the project brings.`,
  )
  process.exitCode = 78
} else {
  await import('../src/main.ts')
}
