import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { isLong } from './form.ts'

const root = join(import.meta.dirname, '../..')
const cache = join(root, 'node_modules/.cache')

/**
 * What the tests start is compiled once and kept. Of the rest of a start half is finding and reading some hundreds of
 * modules, and the tests start a gateway hundreds of times. In the short form they start the same sources, libraries and
 * all, out of a few files.
 */
export default async function setup(): Promise<() => void> {
  process.env.NODE_COMPILE_CACHE = join(cache, 'tollgate-tests')
  if (isLong) return () => {}
  // Below the libraries, so that what is looked up by name at run time is found.
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'tollgate-bundle-'))
  // Unsaid, the engine finds out by trying.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    ssr: { noExternal: true },
    plugins: [
      {
        name: 'threads',
        enforce: 'pre',
        transform: (code) =>
          code.replaceAll(
            /new URL\('(\.\/[\w-]+)\.ts', import\.meta\.url\)/g,
            "new URL('$1.js', import.meta.url)",
          ),
      },
    ],
    build: {
      ssr: true,
      outDir: folder,
      emptyOutDir: false,
      target: 'esnext',
      minify: false,
      rolldownOptions: {
        input: {
          main: join(root, 'src/main.ts'),
          background: join(root, 'src/compose/background.ts'),
          'sqlite-thread': join(root, 'src/store/sqlite-thread.ts'),
          command: join(root, 'src/command.ts'),
          'management-node': join(root, 'test/contract/management-node.fixture.ts'),
        },
        external: ['pg-native'],
        output: {
          entryFileNames: '[name].js',
          chunkFileNames: '[name].js',
          // Half as much to read; what is named in the sources keeps its name.
          minify: { mangle: false, compress: false, codegen: true },
        },
      },
    },
  })
  process.env.TOLLGATE_TEST_BUNDLE = folder
  return () => rmSync(folder, { recursive: true, force: true })
}
