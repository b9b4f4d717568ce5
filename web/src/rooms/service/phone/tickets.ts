// A list of tickets for a phone page: reads, remembers the last problem, reads again when the server says so.
import { onBeforeUnmount, ref, type Ref } from 'vue'
import { get } from '../../../kit/api'
import { debounce, live_hear } from '../../../kit/live'
import { names_add, query_safe, resource, row_get, scope_query } from '../../../kit/meta'
import { problem_text } from '../../../kit/notify'
import type { Page, Row, Values } from '../../../kit/types'

export interface TicketList { rows: Ref<Row[] | null>; problem: Ref<string>; load: () => Promise<void> }

export function ticket_list(query: () => Values): TicketList {
  const rows = ref<Row[] | null>(null)
  const problem = ref('')
  async function load(): Promise<void> {
    const r = resource('tickets')
    try {
      const p = await get<Page>('/tickets', { ...scope_query(r), ...query_safe(r, query()), refs: 1, actions: 1, limit: 100 })
      names_add(p.refs)
      rows.value = p.items
      problem.value = ''
    } catch (e) {
      problem.value = problem_text(e)
    }
  }
  const again = debounce(load, 600)
  const stop = live_hear((c) => { if (!c.id || c.resource === 'tickets') again() })
  onBeforeUnmount(() => {
    stop()
    again.stop()
  })
  void load()
  return { rows, problem, load }
}

/* One ticket, kept fresh the same way. */
export function ticket_one(id: () => number): { row: Ref<Row | null>; problem: Ref<string>; load: () => Promise<void> } {
  const row = ref<Row | null>(null)
  const problem = ref('')
  async function load(): Promise<void> {
    try {
      row.value = await row_get('tickets', id())
      problem.value = ''
    } catch (e) {
      problem.value = problem_text(e)
    }
  }
  const stop = live_hear((c) => { if (!c.id || (c.resource === 'tickets' && c.id === id())) void load() })
  onBeforeUnmount(stop)
  void load()
  return { row, problem, load }
}
