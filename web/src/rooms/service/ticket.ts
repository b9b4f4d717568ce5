// What all ticket pages share: the states, which of the three clocks runs now, and what it says by the server's time.
import { L, fill, lang } from '../../kit/i18n'
import { choice, field, resource } from '../../kit/meta'
import { T } from '../../kit/texts'
import { now, span_text } from '../../kit/time'
import type { Row, Tone, Values } from '../../kit/types'

const OPEN_STATES = ['received', 'accepted', 'dispatched', 'in_progress', 'paused']
export const ACTIVE_STATES = [...OPEN_STATES, 'finished', 'informed']
export const CLOCKS = ['respond', 'handle', 'resolve'] as const
export type ClockName = (typeof CLOCKS)[number]

/* A category's steps, in the language of who reads. */
export const steps_of = (c: Values | null): string[] => String((lang.value === 'en' && c?.checklist_en) || c?.checklist || '').split('\n').filter(Boolean)

export interface Clock { tone: 'none' | 'ok' | 'soon' | 'late' | 'done'; text: string; due: string | null; done: string | null; late: boolean }
export const SOON_MS = 2 * 3600000 // as DUE_SOON_MS of the server: what is amber here is counted there
const STOP: Record<ClockName, string> = { respond: 'responded_at', handle: 'handled_at', resolve: 'resolved_at' }

export function clock_of(t: Values, name: ClockName): Clock {
  const due: string | null = t[name + '_due'] ?? null
  const done: string | null = t[STOP[name]] ?? null
  if (done) {
    const late = !!t[name + '_breached'] || (due !== null && Date.parse(done) > Date.parse(due))
    return { tone: 'done', text: late ? T.done_late : T.done_in_time, due, done, late }
  }
  if (!due || ['cancelled', 'closed', 'merged'].includes(t.state)) return { tone: 'none', text: '–', due, done, late: false }
  if (t.clock_stopped && name !== 'respond') return { tone: 'none', text: T.stopped, due, done, late: !!t[name + '_breached'] }
  const left = Date.parse(due) - now.value
  if (left < 0) return { tone: 'late', text: fill(T.late, span_text(left)), due, done, late: true }
  return { tone: left < SOON_MS ? 'soon' : 'ok', text: fill(T.left, span_text(left)), due, done, late: false }
}

/* The clock that matters now: of those not stopped the one due first, as the server's next_due. */
export function ticket_clock(t: Values): ClockName {
  const due = (c: ClockName) => (t[STOP[c]] || !t[c + '_due'] || (t.clock_stopped && c !== 'respond') ? Infinity : Date.parse(t[c + '_due']))
  return CLOCKS.reduce((a, b) => (due(b) < due(a) ? b : a), t.handled_at ? 'resolve' : 'handle')
}

/* Edge colour of a card: any clock late, else the running one. */
export function ticket_edge(t: Values): 'late' | 'soon' | 'ok' | 'done' {
  if (CLOCKS.some((c) => clock_of(t, c).tone === 'late')) return 'late'
  if (CLOCKS.some((c) => clock_of(t, c).tone === 'soon')) return 'soon'
  return t.resolved_at ? 'done' : 'ok'
}

export function choice_text(name: string, key: unknown): string {
  return key === null || key === undefined ? '' : L(choice(field(resource('tickets'), name), key)?.label) || String(key)
}
export function choice_tone(name: string, key: unknown): Tone | '' {
  return choice(field(resource('tickets'), name), key)?.tone ?? ''
}

export interface Person { id: number; name: string; phone?: string | null; relation?: string | null; tier?: string | null }
export interface LookupItem { space_id: number; space: string; persons: Person[]; open_tickets: number; matched: { person_id: number; kind: string | null; value: string | null } | null }
export interface Household { space: Row; persons: Person[]; tickets: Row[] }
export interface Worker { staff_id: number; name: string; skills: (string | Values)[]; on_duty: boolean; open: number; has_skill?: boolean; certified?: boolean; suggested?: boolean; score?: number; why?: { text: string; points: number }[] }
export interface Column { key: 'new' | 'assigned' | 'doing' | 'verify'; total: number; items: Row[] }
export interface Board {
  now: string
  columns: Column[]
  workers: Worker[]
  counts: { breached: number; due_soon: number; today: number }
  refs?: Record<string, Record<string, string>>
}
export function skill_names(w: Worker): string[] {
  return (w.skills ?? []).map((s) => (typeof s === 'string' ? s : String(s.name ?? s.label ?? '')))
}
