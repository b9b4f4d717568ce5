// A resident's own homes; the one chosen last comes first.
import { ref } from 'vue'
import { get } from '../../../kit/api'
import { community_choose, community_id, name_add } from '../../../kit/meta'

export interface MySpace { space_id: number; space: string; community_id: number; person_id: number }
export const my_spaces = ref<MySpace[] | null>(null)

export async function my_spaces_load(): Promise<MySpace[]> {
  if (my_spaces.value) return my_spaces.value
  const items = (await get<{ items: MySpace[] }>('/me/spaces')).items
  for (const s of items) name_add('spaces', s.space_id, s.space)
  if (items.length && !items.some((s) => s.community_id === community_id.value)) community_choose(items[0].community_id)
  my_spaces.value = items
  return items
}
