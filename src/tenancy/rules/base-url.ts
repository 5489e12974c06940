import type { TextRule } from './text-rule.ts'

const longestUrl = 2048

/** Where a model answers. Whether the address may be reached is judged when a connection is made. */
export const baseUrlRule: TextRule = {
  allowed: 'an http or https URL without credentials, query or fragment',
  holds(text) {
    if (text.length > longestUrl || !/^https?:\/\//i.test(text) || /[?#\s]/.test(text)) return false
    if (!URL.canParse(text)) return false
    const { username, password, hostname } = new URL(text)
    return username + password === '' && hostname !== ''
  },
}
