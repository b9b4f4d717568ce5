// What a worker did and the server does not know yet: kept on the phone, sent one at a time over all windows, per subject
// strictly in the order of the taps, each exactly once (its id is the request's idempotency key) and with the time it
// happened. A refusal parks that subject until a person decides; whatever is only a matter of time is tried again.
import { computed, reactive, shallowRef, watch } from 'vue'
import { Problem, api, has_token, session, session_open, token_random } from '../kit/api'
import { bytes_text } from '../kit/format'
import { fill } from '../kit/i18n'
import { problem_text } from '../kit/notify'
import { Q } from '../kit/texts.offline'
import { clock_now } from '../kit/time'
import type { FileItem, Row } from '../kit/types'
import { Full, MAX_BYTES, MAX_ENTRIES, entries, entry_add, entry_drop, entry_get, entry_put, type Entry, type Fresh } from './store'

export type { Entry, Fresh }
const PATIENCE_MS = 4000 // how long a person waits for the server's answer before the screen goes on
const ANSWER_MS = 60_000
const WAIT_MS = [2e3, 5e3, 15e3, 60e3, 300e3]
const FAILS = 6 // answers 5xx to one entry, then it is shown as a problem
const ASK_AGAIN_MS = 6 * 86400e3 // the server knows keys for 7 days

const all = shallowRef<Entry[]>([])
export const mine = computed(() => all.value.filter((e) => e.user === session.user?.id))
export const queue = reactive({ sending: 0, sent: 0 })
export const parked = computed(() => mine.value.filter((e) => e.problem))
export const used_bytes = computed(() => all.value.reduce((n, e) => n + e.bytes, 0))
export const of_subject = (subject: string) => mine.value.filter((e) => e.subject === subject)
/* Behind one that needs a person? */
export const is_blocked = (e: Entry) => mine.value.some((x) => x.subject === e.subject && x.problem && x.seq < e.seq)

const windows = new BroadcastChannel('anju-phone')
windows.onmessage = () => void refresh()
async function refresh(): Promise<void> {
  all.value = await entries().catch(() => [])
}
async function changed(): Promise<void> {
  await refresh()
  windows.postMessage('queue')
}

/* --- the person who waits for an answer --------------------------------------------------------------------------- */
interface Waiter { sent: (reply: unknown) => void; kept: () => void; refused: (e: Problem) => void }
const waiters = new Map<string, Waiter>()
function settle(id: string): Waiter | undefined {
  const w = waiters.get(id)
  waiters.delete(id)
  return w
}

/* Keeps what the person did and tries to send it at once. → the server's reply (undefined: another window sent it), or null:
   it is kept and will be sent. A refusal
   that comes while the person waits is thrown and nothing stays behind; so is "full". */
export async function queue_do<T extends Row | FileItem | { ok: boolean }>(e: Fresh): Promise<T | null | undefined> {
  const before = of_subject(e.subject).at(-1)?.at ?? ''
  const bytes = (e.photo?.size ?? 0) + JSON.stringify(e.input ?? {}).length + 500
  let entry: Entry
  try {
    entry = await entry_add({
      ...e, at: e.at > before ? e.at : before, id: token_random(), user: session.user!.id, bytes, tried: 0, failed: 0, problem: null,
    })
  } catch (x) {
    const text = x instanceof Full ? fill(Q.full, MAX_ENTRIES, bytes_text(MAX_BYTES)) : (x as Error).name === 'QuotaExceededError' ? Q.no_space : Q.no_store
    throw new Problem(413, 'phone_full', text)
  }
  void navigator.storage?.persist?.().catch(() => {})
  const answer = new Promise<T | null | undefined>((sent, refused) => {
    waiters.set(entry.id, { sent: (r) => sent(r as T), kept: () => sent(null), refused })
    setTimeout(() => settle(entry.id)?.kept(), PATIENCE_MS)
  })
  await changed()
  queue_send()
  return answer
}
export const happened_now = () => new Date(clock_now()).toISOString()

/* --- sending ------------------------------------------------------------------------------------------------------ */
let timer = 0
let waits = 0
let running = false
let again = false
let started = false

/* Now, whoever asks. */
export function queue_send(): void {
  clearTimeout(timer)
  if (running) {
    again = true
    return
  }
  running = true
  void (navigator.locks ? navigator.locks.request('anju-queue', round) : round()).catch(() => later(null)).then(() => {
    running = false
    queue.sending = 0
    for (const id of [...waiters.keys()]) settle(id)?.kept()
    if (!again) return
    again = false
    queue_send()
  })
}
function later(e: Problem | null): void {
  clearTimeout(timer)
  const ms = Math.max((e?.retry_after ?? 0) * 1000, WAIT_MS[Math.min(waits++, WAIT_MS.length - 1)])
  timer = window.setTimeout(queue_send, ms)
}

async function round(): Promise<void> {
  const skip = new Set<string>()
  await refresh()
  settle_gone()
  for (;;) {
    if (!session.user || session.expired) return
    const next = mine.value.find((e) => {
      if (e.problem) skip.add(e.subject)
      return !skip.has(e.subject)
    })
    if (!next) return
    queue.sending = next.seq
    const go_on = await send_one(next)
    if (go_on === 'stop') return
    if (go_on === 'skip') skip.add(next.subject)
    await changed()
  }
}
/* Sent by another window meanwhile. */
function settle_gone(): void {
  for (const id of [...waiters.keys()]) if (!all.value.some((e) => e.id === id)) settle(id)?.sent(undefined)
}

async function send_one(e: Entry): Promise<'next' | 'skip' | 'stop'> {
  if (e.tried && Date.now() - e.tried > ASK_AGAIN_MS) return park(e, { text: Q.too_old, fields: [] })
  e = { ...e, tried: e.tried || Date.now() }
  if (!(await entry_put(e))) return 'next'
  try {
    const reply = await post(e).catch(async (x) => {
      if (!(x instanceof Problem) || x.code !== 'csrf' || !(await session_open())) throw x
      return post(e)
    })
    await entry_drop(e.seq)
    waits = 0
    queue.sent++
    settle(e.id)?.sent(reply)
    return 'next'
  } catch (x) {
    return failed(e, x instanceof Problem ? x : new Problem(0, '', ''))
  }
}
async function post(e: Entry): Promise<unknown> {
  if (!has_token() && !(await session_open())) {
    session.expired = true
    throw new Problem(401, '', '')
  }
  if (!has_token()) throw new Problem(0, 'network', '') // the copy answered: the server is still away
  const signal = AbortSignal.timeout(ANSWER_MS)
  if (e.kind !== 'photo') {
    const path = e.subject + (e.kind === 'comment' ? '/comments' : '/actions/' + e.action)
    return api('POST', path, { body: { ...e.input, happened_at: e.at }, key: e.id, signal })
  }
  const form = new FormData()
  form.append('stage', e.stage!)
  form.append('taken_at', e.at)
  form.append('file', e.photo!, e.name)
  return api('POST', e.subject + '/files', { form, key: e.id, signal })
}
async function failed(e: Entry, p: Problem): Promise<'next' | 'skip' | 'stop'> {
  if (p.status === 401) return 'stop' // the login lies over the page; queue_send is called after it
  if (p.status === 0 || p.status === 429 || p.status === 503 || p.status === 507) {
    later(p)
    return 'stop'
  }
  if (p.status >= 500 && e.failed + 1 < FAILS) {
    await entry_put({ ...e, failed: e.failed + 1 })
    later(p)
    return 'skip'
  }
  const waiter = settle(e.id)
  if (waiter) {
    await entry_drop(e.seq)
    waiter.refused(p)
    return 'next'
  }
  const text = p.status === 422 && p.fields.length ? p.fields.map((f) => f.message).join('；') : problem_text(p)
  return park(e, { text, fields: p.fields.map((f) => f.field) })
}
async function park(e: Entry, problem: Entry['problem']): Promise<'skip'> {
  await entry_put({ ...e, problem })
  settle(e.id)?.kept()
  return 'skip'
}

/* --- what a person decides about a parked one ----------------------------------------------------------------------- */
export async function queue_retry(seq: number, with_now = false): Promise<void> {
  const e = await entry_get(seq)
  if (e) await entry_put({ ...e, at: with_now ? happened_now() : e.at, tried: 0, failed: 0, problem: null })
  await changed()
  queue_send()
}
export async function queue_drop(seq: number): Promise<void> {
  await entry_drop(seq)
  await changed()
  queue_send()
}

/* --- when to try -------------------------------------------------------------------------------------------------- */
export function queue_start(): void {
  if (started) return
  started = true
  const soon = () => {
    waits = 0
    queue_send()
  }
  addEventListener('online', soon)
  document.addEventListener('visibilitychange', () => { if (!document.hidden) soon() })
  watch(() => [session.user?.id, session.expired, session.offline], async ([, , away], was) => {
    /* A page opened without a network has no page token yet, and nobody asked whether the session still lives. */
    if (was && was[2] && !away && !(await session_open().catch(() => true))) session.expired = true
    if (!away) soon()
  })
  soon()
}
