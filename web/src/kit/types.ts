// The shapes of /api/v1/meta and of rows, as docs/api.md states them. Everything generic in the UI is made from these.
export type Pair = readonly [string, string]
export type Tone = 'grey' | 'blue' | 'green' | 'amber' | 'red'
export type FieldType =
  | 'id' | 'int' | 'bool' | 'money' | 'area' | 'qty' | 'text' | 'longtext' | 'enum' | 'ref'
  | 'date' | 'instant' | 'phone' | 'email' | 'secret' | 'json'

export interface Choice { key: string; label: Pair; tone?: Tone }
export interface Field {
  name: string
  type: FieldType
  label: Pair
  help?: Pair
  required?: boolean
  filter?: boolean
  sort?: boolean
  search?: boolean
  server_set?: boolean
  create_only?: boolean
  personal?: boolean
  list?: boolean
  min?: number
  max?: number
  ref?: string
  choices?: Choice[]
}
export interface Action { key: string; label: Pair; tone?: 'primary' | 'plain' | 'danger' | 'part'; input?: Field[]; moves?: Record<string, string> }
export interface Resource {
  name: string
  path: string
  label: Pair
  scope: 'community' | 'system'
  title: string
  code?: string | null
  tree?: string | null
  mine?: Pair // the list can be asked for the caller's own
  may: string[]
  fields: Field[]
  actions?: Action[]
}
export interface MenuItem { key: string; label: Pair; page?: string; resource?: string }
export interface MenuGroup { key: string; label: Pair; items: MenuItem[] }
export interface Me {
  id: number
  login: string
  name: string
  home: 'desk' | 'phone'
  staff_id: number | null
  person_id: number | null
  roles: string[]
}
export interface Community { id: number; name: string; time_zone: string }
export interface Meta {
  version: string
  now: string
  demo?: boolean
  me: Me
  communities: Community[]
  permissions: string[]
  menu: MenuGroup[]
  resources: Record<string, Resource>
}
export type Value = any
export type Values = Record<string, Value>
export interface Row extends Values { id: number; version: number; actions?: string[] }
export interface Page {
  items: Row[]
  next: string | null
  total?: number
  refs?: Record<string, Record<string, string>>
}
export interface TimelineItem {
  id: number
  at: string
  topic: string
  action?: string | null
  from?: string | null
  to?: string | null
  actor?: string | { name?: string } | null
  comment?: string | null
  recorded_at?: string
  data?: Values | null
}
export interface FileItem { id: number; name: string; type: string; bytes: number; stage?: string | null }
