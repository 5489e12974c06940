import { isFailure } from '../../domain/failure.ts'
import { route } from '../route.ts'
import { Group, NewGroup } from './schemas.ts'
import { fromModels, toGroup } from './shape.ts'

export const createGroup = route({
  method: 'POST',
  path: '/v1/gateway/groups',
  tag: 'Groups',
  summary: 'Creates a group',
  description: 'A group stands alone or below another, at most five levels deep. Its place never changes.',
  body: NewGroup,
  returns: Group,
  refuses: {
    400: 'A body that is not valid, an external id in use, another mode than the parent, too deep, or a limit above an ancestor',
    404: 'The parent does not exist',
  },

  async handle({ body: { metadata, models, hierarchy }, caller, tenancy }) {
    const lineage = await tenancy.createGroup(caller, {
      name: metadata.name ?? null,
      externalId: metadata.external_entity_id,
      models: fromModels(models),
      parentId: hierarchy.parent_group_id ?? null,
      enforcement: hierarchy.limit_enforcement ?? null,
    })
    return isFailure(lineage) ? lineage : toGroup(lineage)
  },
})
