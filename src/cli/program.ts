import { Command, Option, type OutputConfiguration } from 'commander'
import { type Flags, logLevels } from '../config/flags.ts'

/** What each command does; the program only reads the command line. Each returns the exit code. */
export interface Commands {
  serve(flags: Flags): Promise<number>
  check(file: string | undefined, json: boolean): Promise<number>
  schema(): Promise<number>
  migrate(flags: Flags, to: string | undefined): Promise<number>
  backup(flags: Flags, directory: string): Promise<number>
  restore(flags: Flags, directory: string): Promise<number>
  newAdminKey(flags: Flags, name: string): Promise<number>
  recomputeCosts(flags: Flags, options: RecomputeOptions): Promise<number>
  explain(prefix: string, model: string, options: ExplainOptions): Promise<number>
}

/** As they stand on the command line; secrets may be named as `env.NAME`. */
export interface ExplainOptions {
  readonly url?: string
  readonly adminKey?: string
  readonly workspace?: string
  readonly json?: boolean
}

export interface RecomputeOptions {
  readonly from?: string
  readonly to?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

export const exitCodes = { done: 0, refused: 1, usage: 2, unreachable: 3, configuration: 78 } as const

/**
 * The command line of `tollgate`. Wrong usage, help and version throw commander's error once they are printed:
 * `usageExitCode` says how to exit then.
 */
export function createProgram(
  version: string,
  commands: Commands,
  exit: (code: number) => void,
  output: OutputConfiguration = {},
): Command {
  const program = new Command('tollgate')
    .configureOutput(output)
    .description('A self-hosted AI gateway: who may spend what, every token and every cent.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(add --help to see what there is)')
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no gateway there, 78 a fault in the configuration or in what it points to.
\`tollgate <command> --help\` says more of each.`,
    )

  withServeFlags(program.command('serve'))
    .description('Run the gateway. With nothing configured it makes a demo world and prints a call to try.')
    .addHelpText('after', `${flagsHelp}\n${serveExamples}`)
    .action(async (flags: Flags) => exit(await commands.serve(flags)))

  program
    .command('check')
    .argument('[file]', 'the configuration file (default: $TOLLGATE_CONFIG)')
    .option('--json', 'print {valid, faults: [{path, message, found}], warnings} instead of lines')
    .description(
      'Validate a configuration file: every fault with its place, what is allowed, what was found.',
    )
    .addHelpText('after', '\nExits with 0 where the file is valid, else with 78. Opens and changes nothing.')
    .action(async (file: string | undefined, options: { json?: boolean }) =>
      exit(await commands.check(file, options.json ?? false)),
    )

  program
    .command('schema')
    .description('Print the JSON Schema of the configuration file.')
    .addHelpText(
      'after',
      '\nFor editors that complete and check:\n  $ tollgate schema > tollgate.schema.json',
    )
    .action(async () => exit(await commands.schema()))

  withStoreFlags(program.command('migrate'))
    .description('Bring the database up to date, or copy everything into another one.')
    .option('--to <url>', 'copy every table into this empty database, for instance from SQLite to Postgres')
    .addHelpText('after', `${flagsHelp}\n${migrateExamples}`)
    .action(async ({ to, ...flags }: Flags & { to?: string }) => exit(await commands.migrate(flags, to)))

  withStoreFlags(program.command('recompute-costs'))
    .description('Price stored calls of virtual keys by the prices that are in force now.')
    .option('--from <instant>', 'the first of them: 2026-11-01, or 2026-11-01T08:00:00Z (default: all)')
    .option('--to <instant>', 'those before it (default: all)')
    .option('--dry-run', 'change nothing, and say what would change')
    .option('--json', 'print one JSON object instead of lines')
    .addHelpText('after', `${flagsHelp}\n${recomputeHelp}`)
    .action(async ({ from, to, dryRun, json, ...flags }: Flags & RecomputeOptions) =>
      exit(await commands.recomputeCosts(flags, { from, to, dryRun, json } as RecomputeOptions)),
    )

  withStoreFlags(program.command('backup'))
    .argument('<directory>', 'where to: new, or empty')
    .description(
      'Copy the database while the gateway runs: all that was answered before, checked, with a manifest.',
    )
    .addHelpText('after', `${flagsHelp}\n${backupExamples}`)
    .action(async (directory: string, flags: Flags) => exit(await commands.backup(flags, directory)))

  withStoreFlags(program.command('restore'))
    .argument('<directory>', 'a backup')
    .description('Make a data directory of a backup: new or empty, but for the master key.')
    .addHelpText('after', `${flagsHelp}\n${restoreExamples}`)
    .action(async (directory: string, flags: Flags) => exit(await commands.restore(flags, directory)))

  withStoreFlags(program.command('admin-key').description('Manage the operator’s keys.').command('new'))
    .description('Make a new admin key in place of a lost one. A running gateway obeys it within a second.')
    .option('--name <name>', 'what the key is called in lists', 'admin')
    .addHelpText(
      'after',
      `\nPrints the key once. All other admin keys are revoked, except those that the configuration names.\n${flagsHelp}`,
    )
    .action(async ({ name, ...flags }: Flags & { name: string }) =>
      exit(await commands.newAdminKey(flags, name)),
    )

  program
    .command('explain')
    .argument('<prefix>', "the key's public part, as lists show it")
    .argument('<model>', 'the slug that the call names')
    .option('--workspace <id>', 'needed where keys of several workspaces have the prefix')
    .option('--url <url>', 'where the gateway answers (default: $TOLLGATE_URL, else http://127.0.0.1:8080)')
    .option('--admin-key <key>', 'an admin key (default: $TOLLGATE_ADMIN_KEY)')
    .option('--json', 'print what the gateway says instead of lines')
    .description(
      'Say what a call would meet now: its limits, what they have counted, and which would refuse it.',
    )
    .addHelpText('after', explainHelp)
    .action(async (prefix: string, model: string, options: ExplainOptions) =>
      exit(await commands.explain(prefix, model, options)),
    )

  return program
}

/** How to exit after the program threw commander's error: what was asked for was printed, or usage was wrong. */
export function usageExitCode(error: { readonly exitCode: number }): number {
  return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
}

const flagsHelp = `
Every flag is also an environment variable: --database-url is TOLLGATE_DATABASE_URL. Flags win over the
environment, and the environment over the file. A command line can be read by every user of the machine, so
give secrets as variables, or name one: --master-key env.MASTER_KEY.`

const serveExamples = `
Examples:
  $ tollgate serve                                   embedded database in ./data, a demo model
  $ tollgate serve --config tollgate.yaml --port 80
  $ TOLLGATE_DATABASE_URL=postgres://user:password@host/tollgate tollgate serve`

const migrateExamples = `
Stop the gateway before a copy; afterwards start it on the other database with the same master key (for one
that was made by itself: $(cat DATA/master-key)) and the same data directory.

Examples:
  $ tollgate migrate
  $ tollgate migrate --data ./data --to env.POSTGRES_URL`

const recomputeHelp = `
Changes the costs of usage events, and the sums that views read. Budgets keep what they were charged, and events
that were delivered or pulled are not sent again. A cost that the provider reported stays, and so does one whose
model has no price now. May run while the gateway does, and any number of times.

Examples:
  $ tollgate recompute-costs --from 2026-11-01 --dry-run
  $ tollgate recompute-costs --data ./data --from 2026-11-01 --to 2026-12-01 --json`

const explainHelp = `
Asks a running gateway, and charges nothing. Exits with 0 where it answers, with 1 where it refuses to (no such key,
no such admin key), with 3 where there is none.

Example:
  $ TOLLGATE_ADMIN_KEY=… tollgate explain sky_Jt4mQv8ZnR2c demo/echo`

const backupExamples = `
The master key is not in a backup: keep it in another place. Postgres is backed up with pg_dump.

Example:
  $ tollgate backup --data /var/lib/tollgate /backup/tollgate-$(date +%F)`

const restoreExamples = `
Example:
  $ tollgate restore --data /var/lib/tollgate-new /backup/tollgate-2026-11-22
  $ cp master-key /var/lib/tollgate-new/ && tollgate serve --data /var/lib/tollgate-new`

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
    .option('--redis-url <url>', 'shared counters: not built yet, refused')
    .option('--threads <count>', 'request threads: more than 1 is not built yet, refused (default: 1)')
    .option('--admin-key <key>', 'an admin key of at least 16 characters besides the stored ones')
    .addOption(new Option('--log-level <level>', 'how much to log (default: info)').choices(logLevels))
    .option(
      '--insecure',
      'allow management and models without a credential beyond loopback, where so configured',
    )
}
