// Server-sent events: the server says which row changed, pages read it again. One connection for the whole page;
// the browser reconnects by itself, and after a gap everybody is told to read again (id 0).
import { reactive } from 'vue'

export interface Change { topic: string; resource: string; id: number; community_id?: number; code?: string }
type Hearer = (c: Change) => void

export const live = reactive({ on: false })
const hearers = new Set<Hearer>()
let source: EventSource | null = null

export function live_start(): void {
  if (source) return
  let lost = false
  source = new EventSource('/api/v1/events')
  source.onopen = () => {
    live.on = true
    if (lost) for (const h of hearers) h({ topic: '', resource: '', id: 0 })
    lost = false
  }
  source.onerror = () => {
    live.on = false
    lost = true
    if (source?.readyState === EventSource.CLOSED) {
      source = null
      setTimeout(live_start, 15000)
    }
  }
  source.addEventListener('change', (e) => {
    const c = JSON.parse((e as MessageEvent<string>).data) as Change
    for (const h of hearers) h(c)
  })
}

/* Returns the function that stops hearing. */
export function live_hear(h: Hearer): () => void {
  hearers.add(h)
  return () => hearers.delete(h)
}

export function debounce(fn: () => void, ms: number): (() => void) & { stop: () => void } {
  let timer = 0
  const run = () => {
    clearTimeout(timer)
    timer = window.setTimeout(fn, ms)
  }
  return Object.assign(run, { stop: () => clearTimeout(timer) })
}
