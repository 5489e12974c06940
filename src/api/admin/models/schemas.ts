import { z } from 'zod'
import { ModelEnvironment as EnvironmentSection, Model as Section } from '../../../config/schema.ts'
import { inFile } from '../members.ts'

export const NewEnvironment = EnvironmentSection

const { id, environments } = Section.shape

const Environment = z
  .object({
    base_url: z.string(),
    model: z.string().nullable(),
    region: z.string().nullable(),
    has_api_key: z.boolean().describe('Whether calls carry a key. The key itself is never shown.'),
    in_file: inFile,
  })
  .meta({ id: 'Environment' })

export const Model = z
  .object({ id: z.string(), environments: z.record(z.string(), Environment).describe('By name.') })
  .meta({ id: 'Model' })

export const NewModel = z.strictObject({ id, environments }).meta({ id: 'NewModel' })

export const ReplacedModel = z.strictObject({ environments }).meta({ id: 'ReplacedModel' })

export const DeletedEnvironment = Environment.extend({ name: z.string() }).meta({ id: 'DeletedEnvironment' })
