// Which of the phone's two faces this person sees; somebody who is both may switch.
import { computed, ref } from 'vue'
import { meta, permitted } from '../kit/meta'

export type Role = 'worker' | 'resident'
const KEY = 'anju.role'
const kept = ref(localStorage.getItem(KEY))
export const roles = computed<Role[]>(() => {
  const me = meta.value?.me
  const out: Role[] = []
  if (me?.staff_id && permitted('ticket.work')) out.push('worker')
  if (me?.person_id && permitted('ticket.own')) out.push('resident')
  return out
})
export const role = computed<Role | null>(() => roles.value.find((r) => r === kept.value) ?? roles.value[0] ?? null)
export function role_choose(r: Role): void {
  kept.value = r
  localStorage.setItem(KEY, r)
}
