import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument, type YAMLError } from 'yaml'
import type { Fault } from './faults.ts'

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'must be a file; found a directory',
  EACCES: 'may not be read by this user',
}

const misspelt: Readonly<Record<string, string>> = {
  BAD_INDENT: 'the indentation does not fit the lines before',
  BLOCK_IN_FLOW: 'a block inside of brackets',
  DUPLICATE_KEY: 'a member that stands there already',
  MISSING_CHAR: 'something is missing here, such as a comma, a colon, a closing quote or bracket',
  MULTIPLE_DOCS: 'a second document; there must be one',
  TAB_AS_INDENT: 'a tab where YAML wants spaces',
  UNEXPECTED_TOKEN: 'something that does not belong here',
}

/** Parses a file as YAML, of which JSON is a part. Faults name lines, and never repeat what stands there. */
export function readConfigurationFile(
  path: string,
): { readonly file: unknown } | { readonly faults: Fault[] } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return { faults: [{ path, message: unreadable[code] ?? `cannot be read (${code})` }] }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0)
    return { faults: document.errors.map((error) => faultOf(path, error, lines)) }
  try {
    return { file: document.toJS() ?? {} }
  } catch {
    return { faults: [{ path, message: 'has aliases that lead nowhere, or to too much' }] }
  }
}

function faultOf(path: string, { code, pos: [offset] }: YAMLError, lines: LineCounter): Fault {
  const { line, col } = lines.linePos(offset)
  const problem = misspelt[code] ?? code.toLowerCase().replaceAll('_', ' ')
  return { path: `${path}:${line}:${col}`, message: `is neither YAML nor JSON: ${problem}` }
}
