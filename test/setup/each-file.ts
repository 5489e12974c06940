import { afterAll } from 'vitest'
import { endGateways } from './running.ts'

afterAll(endGateways)
