// The order in which a worker goes: what is due first, and of that what stands in one house together, floor by floor.
// Pure; the spec asks it without a browser.
import type { Row } from '../../../kit/types'

export type Urgency = 'late' | 'today' | 'later'
/* stop: the house or entrance, '' where nobody knows it; path: the whole name of the place, from the root of the tree. */
export interface Place { stop: string; path: string }
export interface Stop { stop: string; rows: Row[] }
export interface Group { key: Urgency; rows: number; stops: Stop[] }

/* As people count: 2栋 before 10栋, the third floor before the twelfth. */
export function by_number(a: string, b: string): number {
  const [x, y] = [a, b].map((s) => s.match(/\d+|\D+/g) ?? [])
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] === y[i]) continue
    const [m, n] = [Number(x[i]), Number(y[i])]
    if (!Number.isNaN(m) && !Number.isNaN(n) && m !== n) return m - n
    return x[i] < y[i] ? -1 : 1
  }
  return x.length - y.length
}

export function urgency_of(due: number | null, now: number, day_end: number): Urgency {
  return due === null || due >= day_end ? 'later' : due < now ? 'late' : 'today'
}

/* rows in groups by due, each in stops in the order of the houses; what has no known place comes last. */
export function route_of(rows: Row[], urgency: (t: Row) => Urgency, place: (t: Row) => Place): Group[] {
  const unknown = '\uffff'
  const key = (t: Row) => [place(t).stop || unknown, place(t).path || unknown]
  const sorted = [...rows].sort((a, b) => by_number(key(a)[0], key(b)[0]) || by_number(key(a)[1], key(b)[1]) || a.id - b.id)
  return (['late', 'today', 'later'] as const)
    .map((k) => ({ key: k, mine: sorted.filter((t) => urgency(t) === k) }))
    .filter((g) => g.mine.length)
    .map((g) => ({ key: g.key, rows: g.mine.length, stops: stops_of(g.mine, place) }))
}

/* Neighbours in the order that stand in the same place. */
export function stops_of(sorted: Row[], place: (t: Row) => Place): Stop[] {
  const stops: Stop[] = []
  for (const t of sorted) {
    const { stop } = place(t)
    if (stops.at(-1)?.stop !== stop) stops.push({ stop, rows: [] })
    stops.at(-1)!.rows.push(t)
  }
  return stops
}
