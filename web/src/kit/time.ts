// Instants are shown and typed in the community's time zone, and every deadline is measured by the server's clock:
// the browser's may be wrong by hours on an office PC.
import { ref } from 'vue'
import { lang, locale } from './i18n'

let drift = 0
let zone = 'Asia/Shanghai'
export const now = ref(Date.now())

export function clock_set(server_now: string | undefined): void {
  const t = server_now ? Date.parse(server_now) : NaN
  if (Number.isNaN(t)) return
  drift = t - Date.now()
  now.value = t
}
export function clock_now(): number {
  return Date.now() + drift
}
export function zone_set(name: string | undefined): void {
  zone = name || 'Asia/Shanghai'
}
setInterval(() => (now.value = clock_now()), 15000)

interface Parts { y: number; m: number; d: number; h: number; n: number }
const formats = new Map<string, Intl.DateTimeFormat>()
function parts(ms: number): Parts {
  let f = formats.get(zone)
  if (!f) {
    f = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit',
      minute: '2-digit',
    })
    formats.set(zone, f)
  }
  const out: Record<string, number> = {}
  for (const p of f.formatToParts(ms)) if (p.type !== 'literal') out[p.type] = Number(p.value)
  return { y: out.year, m: out.month, d: out.day, h: out.hour, n: out.minute }
}
const p2 = (n: number) => String(n).padStart(2, '0')

/* The end of this day where the community is. */
export function day_end(): number {
  const p = parts(now.value)
  return now.value - (now.value % 60000) + ((23 - p.h) * 60 + 60 - p.n) * 60000
}

/* 2026-11-23 09:15 */
export function instant_text(iso: string | null | undefined): string {
  const ms = iso ? Date.parse(iso) : NaN
  if (Number.isNaN(ms)) return ''
  const p = parts(ms)
  return `${p.y}-${p2(p.m)}-${p2(p.d)} ${p2(p.h)}:${p2(p.n)}`
}

/* Short for lists: today 09:15, otherwise 11-23 09:15, another year in full. */
export function instant_short(iso: string | null | undefined): string {
  const full = instant_text(iso)
  if (!full) return ''
  const today = instant_text(new Date(now.value).toISOString())
  if (full.slice(0, 10) === today.slice(0, 10)) return full.slice(11)
  return full.slice(0, 4) === today.slice(0, 4) ? full.slice(5) : full
}

/* "3 hours ago", "in 2 days" */
export function instant_relative(iso: string | null | undefined): string {
  const ms = iso ? Date.parse(iso) : NaN
  if (Number.isNaN(ms)) return ''
  const s = Math.round((ms - now.value) / 1000)
  const a = Math.abs(s)
  const rtf = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' })
  if (a < 60) return rtf.format(Math.sign(s) * 0, 'minute')
  if (a < 3600) return rtf.format(Math.trunc(s / 60), 'minute')
  if (a < 86400) return rtf.format(Math.trunc(s / 3600), 'hour')
  return rtf.format(Math.trunc(s / 86400), 'day')
}

/* 2d 4h, 3h 12m, 5m */
export function span_text(ms: number): string {
  const m = Math.floor(Math.abs(ms) / 60000)
  const [d, h, n] = [Math.floor(m / 1440), Math.floor((m % 1440) / 60), m % 60]
  const u = lang.value === 'zh' ? ['天', '小时', '分'] : ['d', 'h', 'm']
  const gap = lang.value === 'zh' ? '' : ' '
  if (d >= 10) return d + u[0]
  if (d > 0) return d + u[0] + (h ? gap + h + u[1] : '')
  if (h > 0) return h + u[1] + (n ? gap + n + u[2] : '')
  return n + u[2]
}

/* For <input type=datetime-local>, in the community's zone. */
export function instant_input(iso: string | null | undefined): string {
  return instant_text(iso).replace(' ', 'T')
}

/* A civil date and time of the community → RFC 3339 in UTC. Two rounds settle the offset around a clock change. */
export function instant_from(date: string, time = '00:00'): string | null {
  const wall = Date.parse(`${date}T${time}:00Z`)
  if (Number.isNaN(wall)) return null
  let guess = wall
  for (let i = 0; i < 2; i++) {
    const p = parts(guess)
    guess += wall - Date.UTC(p.y, p.m - 1, p.d, p.h, p.n)
  }
  return new Date(guess).toISOString().replace('.000Z', 'Z')
}

/* A civil date n days later. */
export function days_after(date: string, n: number): string {
  const d = new Date(date + 'T00:00:00Z')
  d.setUTCDate(d.getUTCDate() + n)
  return d.toISOString().slice(0, 10)
}
/* The day of the week of a civil date: 周六, Sat */
export function date_text(date: string): string {
  return new Intl.DateTimeFormat(locale(), { weekday: 'short', timeZone: 'UTC' }).format(new Date(date + 'T00:00:00Z'))
}

export function date_today(): string {
  return instant_text(new Date(clock_now()).toISOString()).slice(0, 10)
}
