import { getConfig } from '../config/get-config.ts'
import { updateConfig } from '../config/update-config.ts'
import type { Route } from '../route.ts'
import { getInfo } from './get-info.ts'
import type { SetupVisit } from './route.ts'

/** Every route that sets the installation up. */
export const setupRoutes: readonly Route<SetupVisit>[] = [getInfo, getConfig, updateConfig]
