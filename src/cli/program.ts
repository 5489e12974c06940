import { Command, Option } from 'commander'
import { type Flags, logLevels } from '../config/settings.ts'

/** What each command does; the program only reads the command line. Each returns the exit code. */
export interface Commands {
  serve(flags: Flags): Promise<number>
  check(file: string | undefined, json: boolean): Promise<number>
  schema(): Promise<number>
  migrate(flags: Flags, to: string | undefined): Promise<number>
  newAdminKey(flags: Flags, name: string): Promise<number>
}

export const exitCodes = { done: 0, refused: 1, usage: 2, unreachable: 3, configuration: 78 } as const

/** The command line of `tollgate`. Wrong usage exits with 2 and says what would be right. */
export function createProgram(version: string, commands: Commands, exit: (code: number) => void): Command {
  const program = new Command('tollgate')
    .description('A self-hosted AI gateway: who may spend what, every token and every cent.')
    .version(version)
    .showHelpAfterError()
    .exitOverride((error) => exit(error.exitCode === 0 ? exitCodes.done : exitCodes.usage))

  withServeFlags(program.command('serve'))
    .description('Run the gateway. With nothing configured it makes a demo world and prints a call to try.')
    .addHelpText(
      'after',
      `
Every flag is also an environment variable: --database-url is TOLLGATE_DATABASE_URL. Flags win over the
environment, and the environment over the file.

Examples:
  $ tollgate serve                                   embedded database in ./data, a demo model
  $ tollgate serve --config tollgate.yaml --port 80
  $ tollgate serve --database-url postgres://user:password@host/tollgate`,
    )
    .action(async (flags: Flags) => exit(await commands.serve(flags)))

  program
    .command('check')
    .argument('[file]', 'the configuration file; default: $TOLLGATE_CONFIG')
    .option('--json', 'print the faults as JSON')
    .description(
      'Validate a configuration file: every fault with its place, what was found and what is allowed.',
    )
    .action(async (file: string | undefined, options: { json?: boolean }) =>
      exit(await commands.check(file, options.json ?? false)),
    )

  program
    .command('schema')
    .description('Print the JSON Schema of the configuration file.')
    .action(async () => exit(await commands.schema()))

  withStoreFlags(program.command('migrate'))
    .description('Bring the database up to date, or copy everything into another one.')
    .option('--to <url>', 'copy every table into this database, for instance from SQLite to Postgres')
    .action(async ({ to, ...flags }: Flags & { to?: string }) => exit(await commands.migrate(flags, to)))

  withStoreFlags(program.command('admin-key').description('Manage the operator’s keys.').command('new'))
    .description('Make a new admin key in place of a lost one. A running gateway obeys it within a second.')
    .option('--name <name>', 'what the key is called in lists', 'admin')
    .action(async ({ name, ...flags }: Flags & { name: string }) =>
      exit(await commands.newAdminKey(flags, name)),
    )

  return program
}

function withStoreFlags(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file, YAML or JSON')
    .option('--data <directory>', 'where the gateway keeps its files (default: ./data)')
    .option('--database-url <url>', 'sqlite:<path> or postgres://… (default: sqlite:<data>/tollgate.db)')
    .option(
      '--master-key <key>',
      'seals secrets and peppers digests; made in the data directory when left out on SQLite',
    )
}

function withServeFlags(command: Command): Command {
  return withStoreFlags(command)
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on, 0 picks one (default: 8080)')
    .option('--redis-url <url>', 'shared counters; not built yet')
    .option('--threads <count>', 'request threads (default: 1)')
    .option('--admin-key <key>', 'an admin key besides the stored ones')
    .addOption(new Option('--log-level <level>', 'how much to log (default: info)').choices(logLevels))
    .option('--insecure', 'allow what is unsafe beyond loopback')
}
