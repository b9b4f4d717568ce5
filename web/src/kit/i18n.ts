// Language: one reactive value, kept in the browser, mirrored to <html lang>. Catalogue sheets become objects whose
// properties read the current language, so templates say {{ T.save }} and switch without a reload.
import { ref } from 'vue'
import type { Pair } from './types'

export type Lang = 'zh' | 'en'
const KEY = 'anju.lang'

function lang_initial(): Lang {
  const kept = localStorage.getItem(KEY)
  if (kept === 'zh' || kept === 'en') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

export const lang = ref<Lang>(lang_initial())

export function lang_apply(): void {
  document.documentElement.lang = lang.value === 'zh' ? 'zh-CN' : 'en'
}

export function lang_set(next: Lang): void {
  lang.value = next
  localStorage.setItem(KEY, next)
  lang_apply()
}

export function locale(): string {
  return lang.value === 'zh' ? 'zh-CN' : 'en-GB'
}

/* The side of a [zh, en] pair; an absent pair is empty. */
export function L(pair: Pair | undefined | null): string {
  if (!pair) return ''
  return lang.value === 'zh' ? pair[0] : pair[1] || pair[0]
}

/* A catalogue sheet: { save: [zh, en] } → { readonly save: string }, reactive. */
export function sheet<K extends string>(texts: Record<K, Pair>): Readonly<Record<K, string>> {
  const out = {} as Record<K, string>
  for (const key of Object.keys(texts) as K[])
    Object.defineProperty(out, key, { get: () => L(texts[key]), enumerable: true })
  return out
}

/* Puts values into {0}, {1}… of a text. */
export function fill(text: string, ...values: (string | number)[]): string {
  return text.replace(/\{(\d)\}/g, (_, i: string) => String(values[Number(i)] ?? ''))
}
