// A worker's task as it is once the server knows what this phone still holds, and the ways into that queue. Which state a
// step leads to is the server's own table (meta); whether it takes it is decided when it is sent.
import { action, name_of, resource } from '../../../kit/meta'
import { toast } from '../../../kit/notify'
import { Q } from '../../../kit/texts.offline'
import { happened_now, of_subject, queue_do, type Fresh } from '../../../offline/queue'
import { photo_ready, type Stage } from '../../../kit/photo'
import type { Action, FileItem, Row, Values } from '../../../kit/types'

export const WALK = ['grab', 'start', 'resume', 'finish', 'inform']
export const OTHER = ['pause', 'decline', 'arrive']
/* Between two people: needs the network, so never queued. */
export const ASKED = ['accept_handover', 'refuse_handover', 'hand_over', 'recall_handover']
const OWN = [...WALK.slice(1), ...OTHER, 'check', 'add_item', 'drop_item'] // a free order is nobody's: grabbing needs the network
const STOPS: Values = { arrive: ['arrived_at'], start: ['handled_at'], finish: ['handled_at', 'resolved_at'] }

const moves = (key: string): Record<string, string> => action(resource('tickets'), key)?.moves ?? {}
export const subject = (id: number) => '/tickets/' + id

export function ahead(row: Row): Row {
  const waiting = of_subject(subject(row.id))
  let out: Row = { ...row, pending: waiting.length }
  for (const e of waiting) {
    if (e.problem) break
    const to = e.kind === 'action' ? moves(e.action!)[out.state] : undefined
    if (!to) continue
    out = { ...out, state: to, result: e.input?.result ?? out.result, actions: OWN.filter((k) => moves(k)[to]) }
    for (const clock of STOPS[e.action!] ?? []) out[clock] ??= e.at
    if (out.arrived_at) out.actions = out.actions!.filter((k) => k !== 'arrive')
    if (e.action === 'decline') out.actions = []
    work_ahead(out, e.action!, e.input ?? {}, e.at)
  }
  return out
}

/* Steps ticked and items told meanwhile; what a listed one costs the server says. */
function work_ahead(out: Row, action: string, input: Values, at: string): void {
  if (action === 'check')
    out.checklist = out.checklist?.map((s: Values) => (s.id === input.step_id ? { ...s, staff_id: null, done_at: null, ...input, ...(input.state === 'done' && { done_at: at }) } : s))
  if (action === 'drop_item') out.items = out.items?.filter((i: Values) => i.id !== input.item_id)
  if (action === 'add_item')
    out.items = [...(out.items ?? []), { ...input, id: 0, name: input.name ?? name_of('price-items', input.price_item_id), amount: input.price ? Math.round((input.price * input.quantity) / 1000) : null }]
}

async function keep<T extends Row | FileItem | { ok: boolean }>(e: Omit<Fresh, 'at'>, at = happened_now()): Promise<T | null | undefined> {
  const reply = await queue_do<T>({ ...e, at })
  if (reply === null) toast(Q.kept, 'info')
  return reply
}
const title = (row: Row) => [row.code, row.title].filter(Boolean).join(' · ')

export function send_action(row: Row, a: Action, input: Values): Promise<Row> | null {
  if (!OWN.includes(a.key)) return null
  return keep<Row>({ subject: subject(row.id), kind: 'action', title: title(row), action: a.key, input }).then((r) => r ?? ahead(row))
}
export const send_comment = (row: Row, text: string) =>
  keep<{ ok: boolean }>({ subject: subject(row.id), kind: 'comment', title: title(row), input: { text } })

export async function send_photo(row: Row, file: File, stage: Stage): Promise<void> {
  const at = happened_now()
  const { small, name } = await photo_ready(file)
  await keep<FileItem>({ subject: subject(row.id), kind: 'photo', title: title(row), photo: small, name, stage }, at)
}
