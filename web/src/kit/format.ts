// Values of the API ↔ what people read and type: fen, hundredths of a square metre, thousandths of a quantity.
import { locale } from './i18n'
import type { FieldType } from './types'

const DIGITS: Partial<Record<FieldType, number>> = { money: 2, area: 2, qty: 3, int: 0, id: 0 }

export function numeric(type: FieldType): boolean {
  return type in DIGITS && type !== 'id'
}

/* 252024 fen → "2,520.24" */
export function number_text(type: FieldType, value: unknown): string {
  if (value === null || value === undefined || value === '') return ''
  const d = DIGITS[type] ?? 0
  return new Intl.NumberFormat(locale(), {
    minimumFractionDigits: type === 'qty' ? 0 : d, maximumFractionDigits: d,
  }).format(Number(value) / 10 ** d)
}

/* For the input: no grouping. */
export function number_input(type: FieldType, value: unknown): string {
  if (value === null || value === undefined || value === '') return ''
  if (typeof value === 'string') return value
  const d = DIGITS[type] ?? 0
  return d ? (Number(value) / 10 ** d).toFixed(type === 'qty' ? 3 : d).replace(/\.?0+$/, '') : String(value)
}

/* Text → the API's integer, null when empty; text that is no number stays text so that the server can name the fault.
 * Digits are moved as text: 0.29 × 100 in binary floating point is 28.999… */
export function number_parse(type: FieldType, text: string): number | string | null {
  const t = text.trim().replace(/,/g, '')
  if (!t) return null
  const d = DIGITS[type] ?? 0
  const m = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(t)
  if (!m || (m[3] ?? '').length > d) return text
  return Number(m[1] + m[2] + (m[3] ?? '').padEnd(d, '0'))
}

export function bytes_text(n: number): string {
  if (n < 1024) return n + ' B'
  return n < 1048576 ? (n / 1024).toFixed(0) + ' KB' : (n / 1048576).toFixed(1) + ' MB'
}
