// What the public pages share: one GET by the secret in the address, and times as the community's clock shows them.
import { onMounted, ref, type Ref } from 'vue'
import { get } from '../../../kit/api'
import { problem_text } from '../../../kit/notify'

export interface Told { code: string; kind: string; state: string }
export function told<R>(where: string, token: string): { row: Ref<R | null>; problem: Ref<string>; load: () => Promise<void> } {
  const row = ref<R | null>(null) as Ref<R | null>
  const problem = ref('')
  async function load(): Promise<void> {
    problem.value = ''
    try {
      row.value = await get<R>(`/public/${where}/${encodeURIComponent(token)}`)
    } catch (e) {
      problem.value = problem_text(e)
    }
  }
  onMounted(load)
  return { row, problem, load }
}
/* The server writes instants in the community's zone: their own digits are its wall clock. */
export const wall = (iso: string | null | undefined): string => (iso ? iso.slice(0, 16).replace('T', ' ') : '')
export const TONES: Record<string, string> = {
  received: 'amber', accepted: 'amber', paused: 'amber', dispatched: 'blue', in_progress: 'blue', finished: 'green', informed: 'green',
}
