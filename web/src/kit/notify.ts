// Short messages to the person: toasts, and one question at a time with a promise of its answer.
import { reactive } from 'vue'
import { Problem } from './api'
import { fill } from './i18n'
import { T } from './texts'

export interface Toast { id: number; text: string; tone: 'good' | 'bad' | 'info'; to?: string }
export const toasts = reactive<Toast[]>([])
let last = 0

export function toast(text: string, tone: Toast['tone'] = 'good', to?: string): void {
  const id = ++last
  toasts.push({ id, text, tone, to })
  if (toasts.length > 4) toasts.shift()
  setTimeout(() => toast_close(id), tone === 'bad' ? 9000 : 4500)
}
export function toast_close(id: number): void {
  const i = toasts.findIndex((t) => t.id === id)
  if (i >= 0) toasts.splice(i, 1)
}

/* What to tell a person about a problem: the server's own sentence, or ours where the server could not speak. */
export function problem_text(e: unknown): string {
  if (!(e instanceof Problem)) return T.problem_unknown
  if (e.status === 0) return T.problem_network
  if (e.status === 429) return fill(T.problem_wait, e.retry_after ?? 60)
  if (e.status === 503) return T.problem_busy
  if (e.stale) return T.conflict_title
  if (e.text) return e.text
  if (e.status === 403) return T.problem_forbidden
  if (e.status === 404) return T.problem_missing
  return T.problem_unknown
}
/* The fields' own words where there are any. */
export const field_text = (e: unknown) => (e instanceof Problem && e.fields.length ? e.fields.map((f) => f.message).join(' ') : problem_text(e))
export function toast_problem(e: unknown): void {
  if (e instanceof Problem && e.status === 401) return
  toast(problem_text(e), 'bad')
}

export const question = reactive({
  open: false,
  title: '',
  text: '',
  yes: '',
  danger: false,
  answer: (_: boolean) => {},
})
export function ask(q: { title: string; text?: string; yes?: string; danger?: boolean }): Promise<boolean> {
  return new Promise((resolve) => {
    Object.assign(question, {
      open: true, title: q.title, text: q.text ?? '', yes: q.yes ?? T.ok, danger: q.danger ?? false,
      answer: (yes: boolean) => {
        question.open = false
        resolve(yes)
      },
    })
  })
}
