// Byte budgets, measured on what a browser fetches: each entry with everything it imports at once, every later chunk by
// itself, and the whole. Reads Vite's manifest; fails when one is over.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const KB = 1000
const ENTRY = { 'index.html': { js: 60, css: 12 }, 'm.html': { js: 40, css: 12 } }
const CHUNK = 15
const WHOLE = 600
const dist = new URL('../dist/', import.meta.url).pathname
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'))
const gz = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length / KB
let over = 0
function line(name, size, limit) {
  const bad = limit !== null && size > limit
  if (bad) over++
  console.log(`${bad ? 'OVER' : '  ok'}  ${size.toFixed(1).padStart(6)} kB${limit === null ? '' : ` of ${limit}`.padEnd(8)}  ${name}`)
}
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen
  seen.add(key)
  for (const next of manifest[key].imports ?? []) closure(next, seen)
  return seen
}

const initial = new Set()
for (const [entry, limit] of Object.entries(ENTRY)) {
  const keys = [...closure(entry)]
  keys.forEach((k) => initial.add(k))
  const css = new Set(keys.flatMap((k) => manifest[k].css ?? []))
  line(`${entry} js`, keys.reduce((sum, k) => sum + gz(manifest[k].file), 0), limit.js)
  line(`${entry} css`, [...css].reduce((sum, f) => sum + gz(f), 0), limit.css)
}
for (const [key, chunk] of Object.entries(manifest))
  if (!initial.has(key) && chunk.file.endsWith('.js')) line(key, gz(chunk.file), CHUNK)
const files = readdirSync(dist, { recursive: true }).map(String).filter((f) => statSync(join(dist, f)).isFile() && !f.startsWith('.vite'))
line('whole dist', files.reduce((sum, f) => sum + gz(f), 0), WHOLE)
process.exit(over ? 1 : 0)
