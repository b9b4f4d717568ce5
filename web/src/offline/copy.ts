// The local copy: what a worker read last, shown when the server cannot be reached. Only of workers (residents stay online),
// only their own tasks, at most three days old; gone at log-out, when the session has ended, and when somebody else logs in.
import { reactive } from 'vue'
import { session_close, type User } from '../kit/api'
import { fill } from '../kit/i18n'
import { ask } from '../kit/notify'
import { Q } from '../kit/texts.offline'
import type { Meta, Page, Row } from '../kit/types'
import { copy_clear, copy_drop, copy_get, copy_names, copy_put, entries, owner_get, owner_put, store_erase, type Copy } from './store'

const OLDEST_MS = 72 * 3600e3 // later no step of then is taken any more (core/late.h)
const LIST = /^\/tickets\?(?=.*\bassignee_id=\d)/
const PRICES = /^\/price-items\?/
const TASK = /^\/tickets\/(\d+)(?:\?refs=1|\/timeline|\/files)$/

/* When what is on the screen was read from the server, 0: just now. */
export const shown = reactive({ at: 0 })
const here = new BroadcastChannel('anju-phone')

let user: User | null = null
let me: Meta['me'] | null = null
let meta_copy: Copy | null = null // of a worker, kept while somebody is logged in
let worker = false
let last: Promise<unknown> = Promise.resolve()
/* One after the other: nothing of a new person may be kept before the former one's is erased. Failing to keep is no
   problem of the person's: there is just no copy. */
function then(run: () => Promise<unknown>): void {
  last = last.then(run).catch(() => {})
}

export function keep(where: string, text: string): void {
  const at = Date.now()
  shown.at = 0
  then(async () => {
    if (where === '/meta') await keep_meta({ at, text })
    else if (worker && PRICES.test(where)) await copy_put(where, { at, text })
    else if (worker && LIST.test(where)) await keep_list(where, { at, text })
    else if (worker && where.startsWith('/me/stops?')) await copy_put(where, { at, text })
    else if (worker && TASK.test(where) && (await is_own(where, text))) await copy_put(where, { at, text })
  })
}
async function keep_meta(c: Copy): Promise<void> {
  const m = JSON.parse(c.text) as Meta
  me = m.me
  meta_copy = m.me.staff_id && m.permissions.includes('ticket.work') ? c : null
  await (meta_copy ? keep_person() : copy_clear())
}
/* The page token is not kept: it is asked for again once there is a network. */
async function keep_person(): Promise<void> {
  worker = meta_copy !== null && user !== null && user.id === me?.id
  if (!worker) return
  await copy_put('/meta', meta_copy!)
  await copy_put('/session', { at: meta_copy!.at, text: JSON.stringify({ user, csrf: '' }) })
}
async function list_ids(): Promise<Set<number>> {
  const ids = new Set<number>()
  for (const name of (await copy_names()).filter((n) => LIST.test(n)))
    for (const row of (JSON.parse((await copy_get(name))!.text) as Page).items) ids.add(row.id)
  return ids
}
async function is_own(where: string, text: string): Promise<boolean> {
  if (where.endsWith('?refs=1')) return (JSON.parse(text) as Row).assignee_id === me?.staff_id
  return (await copy_get(where.replace(/\/\w+$/, '?refs=1'))) !== undefined || (await list_ids()).has(Number(TASK.exec(where)![1]))
}
async function keep_list(where: string, c: Copy): Promise<void> {
  await copy_put(where, c)
  const ids = await list_ids()
  for (const name of await copy_names()) {
    const task = TASK.exec(name)
    if (task && !ids.has(Number(task[1]))) await copy_drop(name)
  }
}

async function fresh(where: string): Promise<Copy | undefined> {
  const c = await copy_get(where)
  return c && c.at > Date.now() - OLDEST_MS ? c : undefined
}
const newer = (a: Row | undefined, b: Row | undefined) => (!a || (b && b.version > a.version) ? b : a)

async function read_task(where: string): Promise<Copy | undefined> {
  const own = await fresh(where)
  const id = Number(TASK.exec(where)![1])
  for (const name of (await copy_names()).filter((n) => LIST.test(n))) {
    const c = await fresh(name)
    const page = c && (JSON.parse(c.text) as Page)
    const row = page?.items.find((r) => r.id === id)
    if (c && page && row && newer(own && JSON.parse(own.text), row) === row) return { at: c.at, text: JSON.stringify({ ...row, refs: page.refs }) }
  }
  return own
}
/* A list with what was read of single tasks after it. */
async function read_list(where: string): Promise<Copy | undefined> {
  const c = await fresh(where)
  if (!c) return undefined
  const page = JSON.parse(c.text) as Page
  for (const [i, row] of page.items.entries()) {
    const one = await fresh(`/tickets/${row.id}?refs=1`)
    page.items[i] = newer(row, one && JSON.parse(one.text))!
  }
  return { at: c.at, text: JSON.stringify(page) }
}
/* What was last read at this address; undefined: nothing that may be shown. */
export async function read(where: string): Promise<unknown> {
  let c: Copy | undefined
  try {
    c = where.endsWith('?refs=1') && TASK.test(where) ? await read_task(where) : LIST.test(where) ? await read_list(where) : await fresh(where)
  } catch {
    return undefined
  }
  if (!c) return undefined
  const value = JSON.parse(c.text)
  if (where === '/meta') {
    me = value.me
    meta_copy = c
    worker = true
    value.now = new Date(Date.parse(value.now) - c.at + Date.now()).toISOString() // the server's clock went on
  } else if (where !== '/session') shown.at = c.at
  return value
}

/* Somebody is logged in. What another person left is erased, not before asking when it is work that was not sent. */
export function owner(now: User): void {
  then(async () => {
    user = now
    const was = await owner_get()
    if (was && was.id !== now.id) {
      const n = (await entries()).length
      const text = fill(Q.other_text, was.name)
      if (n && !(await ask({ title: fill(Q.other_ask, was.name, n), text, yes: Q.other_yes, danger: true }))) return session_close()
      await erase()
    }
    await owner_put({ id: now.id, name: now.name })
    await keep_person()
    here.postMessage('queue')
  })
}
/* The session is over: nobody may read on. The queue stays for when the same person is back. */
export function ended(): void {
  worker = false
  then(copy_clear)
}
export async function erase(): Promise<void> {
  await store_erase()
  here.postMessage('queue')
}
