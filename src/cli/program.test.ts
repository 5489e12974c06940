import { CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { type Commands, createProgram, usageExitCode } from './program.ts'

/** Runs a command line whose commands only say what they were asked. */
async function parse(args: readonly string[]) {
  const asked: unknown[] = []
  const note =
    (command: string) =>
    async (...given: unknown[]) => {
      asked.push([command, ...given])
      return 0
    }
  const commands: Commands = {
    serve: note('serve'),
    check: note('check'),
    schema: note('schema'),
    migrate: note('migrate'),
    backup: note('backup'),
    restore: note('restore'),
    recomputeCosts: note('recomputeCosts'),
    newAdminKey: note('newAdminKey'),
    explain: note('explain'),
  }
  let [output, errors, code] = ['', '', Number.NaN]
  const exit = (exitCode: number): void => {
    code = exitCode
  }
  const program = createProgram('1.2.3', commands, exit, {
    writeOut: (text) => {
      output += text
    },
    writeErr: (text) => {
      errors += text
    },
  })
  await program.parseAsync(args, { from: 'user' }).catch((error) => {
    if (!(error instanceof CommanderError)) throw error
    code = usageExitCode(error)
  })
  return { asked, output, errors, code }
}

test.each([
  [
    'the program',
    [],
    ['serve', 'check', 'schema', 'migrate', 'backup', 'restore', 'admin-key', 'Exit codes'],
  ],
  [
    'serve',
    ['serve'],
    ['--config', '--threads', 'TOLLGATE_DATABASE_URL', 'without a credential', 'Examples'],
  ],
  ['check', ['check'], ['[file]', '--json', '$TOLLGATE_CONFIG', '78']],
  ['schema', ['schema'], ['tollgate.schema.json']],
  ['migrate', ['migrate'], ['--to', 'master key', 'Examples']],
  [
    'recompute-costs',
    ['recompute-costs'],
    ['--from', '--to', '--dry-run', '--json', 'Budgets keep', 'Examples'],
  ],
  ['backup', ['backup'], ['<directory>', 'master key', 'pg_dump', 'Example']],
  ['restore', ['restore'], ['<directory>', '--data', 'Example']],
  ['admin-key', ['admin-key'], ['new']],
  ['admin-key new', ['admin-key', 'new'], ['--name', 'revoked']],
  ['explain', ['explain'], ['<prefix>', '<model>', '$TOLLGATE_URL', '--json', 'Example']],
])('%s --help says what it takes', async (_, command, expected) => {
  const { output, errors, code, asked } = await parse([...command, '--help'])
  expect({ errors, code, asked }).toEqual({ errors: '', code: 0, asked: [] })
  for (const text of expected) expect(output).toContain(text)
})

test.each([
  ['no command', [], 'Commands:'],
  ['an unknown command', ['sevre'], "unknown command 'sevre'"],
  ['an unknown flag', ['serve', '--prot', '1'], "unknown option '--prot'"],
  ['a flag without its value', ['serve', '--port'], 'argument missing'],
  ['an argument too many', ['serve', 'tollgate.yaml'], 'too many arguments'],
  ['a level that is none', ['serve', '--log-level', 'loud'], 'Allowed choices are trace'],
  ['a backup without a place', ['backup'], 'missing required argument'],
  ['half a command', ['admin-key'], 'new [options]'],
  ['a question without its model', ['explain', 'sky_1'], "missing required argument 'model'"],
])('%s is wrong usage', async (_, args, expected) => {
  const { output, errors, code, asked } = await parse(args)
  expect({ output, code, asked }).toEqual({ output: '', code: 2, asked: [] })
  expect(errors).toContain(expected)
})

test('each command gets its own flags', async () => {
  const serve = await parse(['serve', '--port', '0', '--database-url', 'sqlite:x', '--insecure'])
  expect(serve.asked).toEqual([['serve', { port: '0', databaseUrl: 'sqlite:x', insecure: true }]])
  expect((await parse(['check', 'file', '--json'])).asked).toEqual([['check', 'file', true]])
  expect((await parse(['migrate', '--data', 'd', '--to', 'u'])).asked).toEqual([
    ['migrate', { data: 'd' }, 'u'],
  ])
  expect((await parse(['backup', '--data', 'd', 'to'])).asked).toEqual([['backup', { data: 'd' }, 'to']])
  expect((await parse(['restore', 'from'])).asked).toEqual([['restore', {}, 'from']])
  expect((await parse(['admin-key', 'new'])).asked).toEqual([['newAdminKey', {}, 'admin']])
  expect((await parse(['explain', 'sky_1', 'a/b', '--json'])).asked).toEqual([
    ['explain', 'sky_1', 'a/b', { json: true }],
  ])
  expect((await parse(['--version'])).output).toBe('1.2.3\n')
})
