// The one way to the server: JSON in and out, CSRF, If-Match, idempotency, and problems as one exception type.
// It never shows anything; pages decide what a problem means to the person in front of them.
import { reactive } from 'vue'
import { lang } from './i18n'
import type { Values } from './types'

export interface FieldProblem { field: string; code: string; message: string }
export interface User { id: number; login: string; name: string; home: 'desk' | 'phone'; must_change_password?: boolean; second_factor?: boolean; must_set_second_factor?: boolean }

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly text: string,
    readonly fields: FieldProblem[] = [],
    readonly current_version: number | null = null,
    readonly retry_after: number | null = null,
    readonly trace_id = '',
    readonly demo = false,
  ) {
    super(text)
  }
  /* Somebody else changed the row after it was read. */
  get stale(): boolean {
    return this.status === 409 && this.current_version !== null
  }
}

/* user null: nobody is logged in. expired: somebody was, and what they typed is still on the screen. */
export const session = reactive({
  ready: false,
  user: null as User | null,
  expired: false,
  demo: false,
  offline: !navigator.onLine,
})
let csrf = ''

/* A phone's local copy (offline/copy.ts), loaded when it is first needed; the desk has none. */
export interface Spare {
  keep(where: string, text: string): void
  read(where: string): Promise<unknown>
  owner(user: User): void
  ended(): void
}
let spare: (() => Promise<Spare>) | null = null
export const spare_set = (load: () => Promise<Spare>) => (spare = load)
const to_spare = <R>(run: (s: Spare) => R) => spare?.().then(run).catch(() => undefined)

addEventListener('online', () => (session.offline = false))
addEventListener('offline', () => (session.offline = true))

export interface Call {
  query?: Values
  body?: unknown
  form?: FormData
  csv?: Blob
  version?: number
  signal?: AbortSignal
  once?: boolean
  key?: string
}

export function query_text(query: Values | undefined): string {
  const out = new URLSearchParams()
  for (const [key, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== '' && !(value === null)) out.set(key, String(value))
  const text = out.toString()
  return text ? '?' + text : ''
}

export function token_random(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}

/* Keys of POSTs whose answer never came: sending the same thing again must not do it twice. */
const unanswered = new Map<string, string>()

export async function api<T = Values>(method: string, path: string, call: Call = {}): Promise<T> {
  const headers: Record<string, string> = {
    Accept: 'application/json',
    'Accept-Language': lang.value === 'zh' ? 'zh-CN' : 'en',
  }
  let body: BodyInit | undefined
  if (call.form) body = call.form
  else if (call.csv) {
    body = call.csv
    headers['Content-Type'] = 'text/csv'
  } else if (call.body !== undefined) {
    body = JSON.stringify(call.body)
    headers['Content-Type'] = 'application/json'
  }
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf
  if (call.version !== undefined) headers['If-Match'] = String(call.version)
  const same = call.once && typeof body === 'string' ? path + '\n' + body : ''
  if (same) {
    if (!unanswered.has(same)) unanswered.set(same, token_random())
    headers['Idempotency-Key'] = unanswered.get(same)!
  }
  if (call.key) headers['Idempotency-Key'] = call.key
  const where = path + query_text(call.query)
  const sent = era
  let reply: Response | null = null
  try {
    reply = await fetch('/api/v1' + where, {
      method, headers, body, signal: call.signal, credentials: 'same-origin', cache: 'no-cache',
    })
  } catch (e) {
    if ((e as Error).name === 'AbortError') throw e
  }
  if (spare) {
    session.offline = !reply || (method === 'GET' && reply.status >= 502 && reply.status <= 504)
    const kept = session.offline && method === 'GET' ? await to_spare((s) => s.read(where)) : undefined
    if (kept !== undefined) return kept as T
  }
  if (!reply) throw new Problem(0, 'network', '')
  if (same && reply.status < 500 && reply.status !== 429) unanswered.delete(same)
  if (!reply.ok) throw await problem_read(reply, path, sent)
  if (reply.status === 204) return undefined as T
  const text = await reply.text()
  if (method === 'GET') void to_spare((s) => s.keep(where, text))
  return (text ? JSON.parse(text) : undefined) as T
}

/* Which login a request went out under: a refusal of the one before, come late, ends nothing. */
let era = 0
async function problem_read(reply: Response, path: string, sent: number): Promise<Problem> {
  let p: Values = {}
  try {
    p = await reply.json()
  } catch {
    /* a proxy's own error page: the status is all we know */
  }
  if (reply.status === 401) {
    void to_spare((s) => s.ended())
    if (!path.startsWith('/session') && sent === era) session_lost()
  }
  if (reply.status === 403 && p.code === 'password_change_required' && session.user)
    session.user.must_change_password = true
  if (reply.status === 403 && p.code === 'second_factor_required' && session.user)
    session.user.must_set_second_factor = true
  const wait = Number(reply.headers.get('Retry-After'))
  return new Problem(
    reply.status, String(p.code ?? ''), String(p.detail ?? p.title ?? ''), Array.isArray(p.fields) ? p.fields : [],
    typeof p.current_version === 'number' ? p.current_version : null, wait > 0 ? wait : null,
    String(p.trace_id ?? ''), p.demo === true,
  )
}

export const get = <T = Values>(path: string, query?: Values, signal?: AbortSignal) =>
  api<T>('GET', path, { query, signal })
export const post = <T = Values>(path: string, body: unknown = {}) => api<T>('POST', path, { body, once: true })

function session_lost(): void {
  if (!session.user) return
  session.expired = true
}

export interface SessionReply { user: User; csrf: string }
export function session_take(r: SessionReply): User {
  if (r.csrf) csrf = r.csrf // the local copy has none
  session.user = r.user
  era++
  session.expired = false
  void to_spare((s) => s.owner(r.user))
  return r.user
}

/* A page opened without a network has no page token until it has asked. */
export const has_token = () => csrf !== ''

/* Asks who we are; false when nobody is logged in. */
export async function session_open(): Promise<boolean> {
  try {
    session_take(await get<SessionReply>('/session'))
    return true
  } catch (e) {
    if (!(e instanceof Problem) || e.status !== 401) throw e
    session.demo = e.demo
    return false
  } finally {
    session.ready = true
  }
}

export async function session_login(login: string, password: string, code?: string): Promise<User> {
  return session_take(await api<SessionReply>('POST', '/session', { body: { login, password, ...(code ? { code } : {}) } }))
}

export async function session_password(old: string, fresh: string): Promise<void> {
  const r = await api<SessionReply | undefined>('POST', '/session/password', { body: { old, new: fresh } })
  if (r && r.csrf) session_take(r)
  if (session.user) session.user.must_change_password = false
}

export async function session_close(): Promise<void> {
  try {
    await api('DELETE', '/session')
  } finally {
    location.assign(location.pathname.startsWith('/m') ? '/m' : '/')
  }
}
