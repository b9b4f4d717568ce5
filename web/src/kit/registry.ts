// Where rooms hang what the generic pages cannot know: a dialog for one action, a full page for one resource, a page for
// one menu key. The kit never imports a room.
import type { Component } from 'vue'
import type { Pair } from './types'

const dialogs = new Map<string, Component>()
const pages = new Map<string, (id: number) => string>()
const creating = new Map<string, string>()
interface HouseholdTab { key: string; label: Pair; permission: string; component: Component }
const tabs: HouseholdTab[] = []
type Place = 'panel' | 'bar' | 'form' | 'peek'
const parts: { path: string; place: Place; component: Component }[] = []
const starts = new Map<string, string>()
const menu = new Map<string, string>([['home', '/']])

export const registry = {
  action_dialog: (path: string, key: string, c: Component) => dialogs.set(path + '.' + key, c),
  record_page: (path: string, to: (id: number) => string) => pages.set(path, to),
  create_page: (path: string, to: string) => creating.set(path, to),
  /* A tab of the household's page; the component is given its space-id. */
  household_tab: (tab: HouseholdTab) => tabs.push(tab),
  /* What a room adds to a record's page, among its panels or buttons, given the row; to its drawer; or to the form that
     changes it, given the form's values, too. */
  record_part: (path: string, place: Place, component: Component) => parts.push({ path, place, component }),
  /* What the menu opens a list with, instead of everything: "state=open&sort=due_at". */
  list_start: (path: string, query: string) => starts.set(path, query),
  menu_page: (key: string, to: string) => menu.set(key, to),
}
export const record_parts = (path: string, place: Place): Component[] => parts.filter((p) => p.path === path && p.place === place).map((p) => p.component)
export const household_tabs = (): HouseholdTab[] => tabs
export function action_dialog(path: string, key: string): Component | null {
  return dialogs.get(path + '.' + key) ?? null
}
export function record_page(path: string, id: number): string | null {
  return pages.get(path)?.(id) ?? null
}
/* Where a row is made, when not in the list's own form. */
export function create_page(path: string): string | null {
  return creating.get(path) ?? null
}
export function menu_page(key: string | undefined): string | null {
  return (key && menu.get(key)) || null
}
export function list_page(path: string): string {
  const query = starts.get(path)
  return '/r/' + path + (query ? '?' + query : '')
}
/* Where a row is best seen. */
export function record_link(path: string, id: number): string {
  return record_page(path, id) ?? `/r/${path}?peek=${id}`
}
