// Calls of the import page, and a workbook's first sheet as CSV: the server takes one kind of file.
import { api, get } from '../kit/api'
import { scope_query } from '../kit/meta'
import type { FieldProblem } from '../kit/api'
import type { Resource, Values } from '../kit/types'

export const STATES = ['loaded', 'checked', 'running', 'cancelled', 'done', 'undoing', 'undone'] as const
export interface Import { id: number; resource: string; name: string; state: (typeof STATES)[number]; rows: number; bad: number; done: number; user_name: string | null; created_at: string }
export interface Batch {
  import: Import
  columns: { name: string; field: string | null; samples: string[] }[]
  errors: { row: number; fields: FieldProblem[] }[]
}

export const import_get = (id: number) => get<Batch>('/imports/' + id)
export const imports_get = async (r: Resource) => (await get<{ items: Import[] }>('/imports', { ...scope_query(r), resource: r.path })).items
export const import_act = (id: number, what: string, body: Values = {}) => api<Batch>('POST', `/imports/${id}/${what}`, { body })
export async function import_stage(r: Resource, file: File): Promise<Batch> {
  return api<Batch>('POST', '/imports', { query: { ...scope_query(r), resource: r.path, name: file.name }, csv: await as_csv(file) })
}

const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
export const csv_text = (rows: string[][]) => rows.map((r) => r.map(cell).join(',') + '\r\n').join('')

const two = (n: number) => String(n).padStart(2, '0')
/* A workbook knows no zones: its dates are read as UTC and written as they stood in the cell. */
function cell_text(v: unknown): string {
  if (v === null || v === undefined) return ''
  if (!(v instanceof Date)) return String(v)
  const day = `${v.getUTCFullYear()}-${two(v.getUTCMonth() + 1)}-${two(v.getUTCDate())}`
  const time = `${two(v.getUTCHours())}:${two(v.getUTCMinutes())}`
  return time === '00:00' ? day : `${day} ${time}`
}
async function as_csv(file: File): Promise<Blob> {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer())
  if (head[0] !== 0x50 || head[1] !== 0x4b) return file // not a zip: a workbook is one
  const read = (await import('read-excel-file')).default
  const rows = (await read(file)).filter((r) => r.some((v) => v !== null && v !== ''))
  return new Blob([csv_text(rows.map((r) => r.map(cell_text)))], { type: 'text/csv' })
}
