// How steps and items of a ticket are said, on the screen and on paper.
import { number_text } from '../../kit/format'
import { L, lang } from '../../kit/i18n'
import { action, choice, resource } from '../../kit/meta'
import type { Row, Values } from '../../kit/types'

export const said = (v: Values, name: string): string => (lang.value === 'en' && v[`${name}_en`]) || v[name]
export const money = (fen: unknown): string => number_text('money', fen)
export const items_of = (row: Row): Values[] => (row.items ?? []).filter((i: Values) => !i.dropped)
export const quantity = (i: Values): string => `${number_text('qty', i.quantity)}${i.unit ? ' ' + i.unit : ''}`
/* Who sees a ticket may not see the ledger of items: the words are those of the action. */
export const payer_of = (i: Values): string => L(choice(action(resource('tickets'), 'add_item')?.input?.find((f) => f.name === 'payer') ?? null, i.payer)?.label)
/* What the form of `finish` need not ask where there are items: the server has their sum. */
export const asked_by_items = (row: Row | null | undefined): string[] => (row && items_of(row).length ? ['cost', 'parts'] : [])
