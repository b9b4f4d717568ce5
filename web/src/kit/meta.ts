// What the server says this person may see and do, and the names behind ids. The chosen community is kept in the
// browser and applies to every list; it is not part of the address because people rarely share links across communities.
import { computed, reactive, shallowRef, ref } from 'vue'
import { get } from './api'
import { L, lang } from './i18n'
import { clock_set } from './time'
import type { Action, Choice, Community, Field, Meta, Page, Resource, Row, Values } from './types'

const KEY = 'anju.community'
export const meta = shallowRef<Meta | null>(null)
export const community_id = ref<number | null>(null)
export const community = computed<Community | null>(
  () => meta.value?.communities.find((c) => c.id === community_id.value) ?? null,
)

export async function meta_load(): Promise<Meta> {
  const m = await get<Meta>('/meta')
  clock_set(m.now)
  meta.value = m
  const kept = Number(localStorage.getItem(KEY))
  community_id.value = m.communities.find((c) => c.id === kept)?.id ?? m.communities[0]?.id ?? null
  return m
}

export function community_choose(id: number): void {
  community_id.value = id
  localStorage.setItem(KEY, String(id))
}

export function resource(path: string | undefined | null): Resource | null {
  return (path && meta.value?.resources[path]) || null
}
/* The menu's word for a list ("Tickets"), or the resource's own ("Ticket"). */
export function resource_text(r: Resource): string {
  for (const g of meta.value?.menu ?? []) for (const i of g.items) if (i.resource === r.path) return L(i.label)
  return L(r.label)
}
export function may(path: string, verb: string): boolean {
  return resource(path)?.may.includes(verb) ?? false
}
export function permitted(permission: string): boolean {
  return meta.value?.permissions.includes(permission) ?? false
}
/* Is something of this row masked that the caller may ask to see? */
export function masked(r: Resource | null, row: Row | null): boolean {
  return permitted('personal.read') && !!r && !!row && r.fields.some((f) => f.personal && /\*/.test(String(row[f.name] ?? '')))
}
export function field(r: Resource | null, name: string): Field | null {
  return r?.fields.find((f) => f.name === name) ?? null
}
export function action(r: Resource | null, key: string): Action | null {
  return r?.actions?.find((a) => a.key === key) ?? null
}
export function choice(f: Field | null | undefined, key: unknown): Choice | null {
  return f?.choices?.find((c) => c.key === String(key)) ?? null
}

/* The community part of a list's query. */
export function scope_query(r: Resource | null): Values {
  return r?.scope === 'community' && community_id.value !== null ? { community_id: community_id.value } : {}
}

/* Drops filters and sorts the server would refuse, so that one page works for every role and version. */
export function query_safe(r: Resource | null, query: Values): Values {
  if (!r) return query
  const out: Values = {}
  for (const [key, value] of Object.entries(query)) {
    const f = field(r, key.split('.')[0])
    if (f && !f.filter) continue
    if (key === 'sort' && !field(r, String(value).replace(/^-/, ''))?.sort) continue
    out[key] = value
  }
  return out
}

/* Fields a form may set. */
export function form_fields(r: Resource, creating: boolean): Field[] {
  return r.fields.filter(
    (f) =>
      !f.server_set && f.type !== 'id' && (creating || !f.create_only) &&
      !(f.name === 'community_id' && r.scope === 'community'),
  )
}

/* --- names behind ids ------------------------------------------------------------------------------------------- */
const names = reactive(new Map<string, string>())
const asked = new Set<string>()

export function names_add(refs: Page['refs']): void {
  for (const [path, map] of Object.entries(refs ?? {}))
    for (const [id, name] of Object.entries(map)) names.set(path + '/' + id, name)
}
export function name_add(path: string, id: number, name: string): void {
  names.set(path + '/' + id, name)
}

/* The name, or '' while it is being asked for; an id the caller may not see stays ''. */
export function name_of(path: string | undefined, id: unknown): string {
  if (!path || !id) return '' // 0 stands for the whole company
  const key = path + '/' + String(id)
  const known = names.get(key)
  if (known !== undefined) return known
  if (path === 'communities') {
    const c = meta.value?.communities.find((x) => x.id === id)
    if (c) return c.name
  }
  const r = resource(path)
  if (r && !asked.has(key)) {
    asked.add(key)
    get<Row>('/' + path + '/' + String(id)).then(
      (row) => names.set(key, row_title(r, row)),
      () => names.set(key, '#' + String(id)),
    )
  }
  return ''
}

/* A row with the names of what it points to. */
export async function row_get(path: string, id: number): Promise<Row> {
  const { refs, ...row } = await get<Row & { refs?: Page['refs'] }>(`/${path}/${id}`, { refs: 1 })
  names_add(refs)
  return row as Row
}

/* Rows without a name of their own (an occupancy, a shift) are called by their first listed values. */
export function row_title(r: Resource, row: Values): string {
  if (r.title === 'id')
    return (
      r.fields.filter((f) => f.list && (f.type === 'ref' || f.type === 'enum' || f.type === 'text')).slice(0, 2)
        .map((f) => (f.type === 'ref' ? name_of(f.ref, row[f.name]) : f.type === 'enum' ? L(choice(f, row[f.name])?.label) : row[f.name]))
        .filter(Boolean).join(' · ') || L(r.label)
    )
  const title = (lang.value === 'en' && row[r.title + '_en']) || row[r.title]
  if (title !== null && title !== undefined && title !== '') return String(title)
  const code = r.code ? row[r.code] : null
  return code ? String(code) : '#' + String(row.id)
}
export function row_code(r: Resource, row: Values): string {
  return r.code && row[r.code] && r.code !== r.title ? String(row[r.code]) : ''
}
