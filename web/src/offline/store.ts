// What lies on this phone: the queue, the local copy and whose they are. The only file that knows IndexedDB. Entries are
// bounded here, inside the transaction that adds one, so that two windows cannot overfill it together.
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Values } from '../kit/types'

export const MAX_ENTRIES = 200
export const MAX_BYTES = 60 << 20

export interface Entry {
  seq: number // order of the taps
  id: string // idempotency key
  user: number
  subject: string // '/tickets/17': entries of one subject go strictly in order
  kind: 'action' | 'comment' | 'photo'
  title: string
  action?: string
  input?: Values
  photo?: Blob
  name?: string
  stage?: string
  at: string // when it happened
  bytes: number
  tried: number // when it was first sent, 0: never
  failed: number // answers 5xx
  problem: { text: string; fields: string[] } | null // refused: a person must decide
}
export type Fresh = Omit<Entry, 'seq' | 'id' | 'user' | 'bytes' | 'tried' | 'failed' | 'problem'>
export interface Copy { at: number; text: string }
export interface Owner { id: number; name: string }

interface Phone extends DBSchema {
  queue: { key: number; value: Entry }
  copy: { key: string; value: Copy }
  owner: { key: string; value: Owner }
}
let opened: Promise<IDBPDatabase<Phone>> | null = null
function db(): Promise<IDBPDatabase<Phone>> {
  opened ??= openDB<Phone>('anju-phone', 1, {
    upgrade(d) {
      d.createObjectStore('queue', { keyPath: 'seq', autoIncrement: true })
      d.createObjectStore('copy')
      d.createObjectStore('owner')
    },
    terminated: () => (opened = null),
  })
  opened.catch(() => (opened = null))
  return opened
}

export class Full extends Error {}

/* Throws Full when it would be one too many; then nothing is kept. */
export async function entry_add(e: Omit<Entry, 'seq'>): Promise<Entry> {
  const tx = (await db()).transaction('queue', 'readwrite')
  const all = await tx.store.getAll()
  if (all.length >= MAX_ENTRIES || all.reduce((n, x) => n + x.bytes, e.bytes) > MAX_BYTES) throw new Full()
  const seq = await tx.store.add(e as Entry)
  await tx.done
  return { ...e, seq }
}
/* Changes an entry that is still there; what was erased meanwhile must not come back. → is it there? */
export async function entry_put(e: Entry): Promise<boolean> {
  const tx = (await db()).transaction('queue', 'readwrite')
  const there = (await tx.store.getKey(e.seq)) !== undefined
  if (there) await tx.store.put(e)
  await tx.done
  return there
}
export const entry_drop = async (seq: number) => (await db()).delete('queue', seq)
export const entry_get = async (seq: number) => (await db()).get('queue', seq)
export const entries = async () => (await db()).getAll('queue')

export const copy_put = async (where: string, c: Copy) => void (await (await db()).put('copy', c, where))
export const copy_get = async (where: string) => (await db()).get('copy', where)
export const copy_drop = async (where: string) => (await db()).delete('copy', where)
export const copy_names = async () => (await db()).getAllKeys('copy')
export const copy_clear = async () => (await db()).clear('copy')

export const owner_get = async () => (await db()).get('owner', 'me')
export const owner_put = async (o: Owner) => void (await (await db()).put('owner', o, 'me'))

/* Everything of everybody: personal data leaves with its person. */
export async function store_erase(): Promise<void> {
  const tx = (await db()).transaction(['queue', 'copy', 'owner'], 'readwrite')
  await Promise.all([tx.objectStore('queue').clear(), tx.objectStore('copy').clear(), tx.objectStore('owner').clear(), tx.done])
}
