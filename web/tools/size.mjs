// Byte budgets, measured on what a browser fetches: each entry with everything it imports at once, every later chunk by
// itself, the whole, and what the service worker loads ahead onto a phone. Reads Vite's manifest; fails when one is over,
// when the phone would miss a file without a network, or when it would load one that only the desk needs.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const KB = 1000
const ENTRY = { 'index.html': { js: 60, css: 12 }, 'm.html': { js: 40, css: 12 } }
const CHUNK = 15
const WHOLE = 600
const WORKER = 2
const SHELL = 170
const dist = new URL('../dist/', import.meta.url).pathname
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'))
const gz = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length / KB
let over = 0
function line(name, size, limit) {
  const bad = limit !== null && size > limit
  if (bad) over++
  console.log(`${bad ? 'OVER' : '  ok'}  ${size.toFixed(1).padStart(6)} kB${limit === null ? '' : ` of ${limit}`.padEnd(8)}  ${name}`)
}
function closure(key, seen = new Set(), later = false) {
  if (seen.has(key)) return seen
  seen.add(key)
  for (const next of [...(manifest[key].imports ?? []), ...((later && manifest[key].dynamicImports) || [])]) closure(next, seen, later)
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

const worker = readFileSync(join(dist, 'phone-worker.js'), 'utf8')
const shell = JSON.parse(/=(\["\/m",.*?\])/.exec(worker)[1]).map((f) => (f === '/m' ? 'm.html' : f.slice(1)))
line('phone-worker.js', gzipSync(worker.replace(/\["\/m",.*?\]/, '[]'), { level: 9 }).length / KB, WORKER)
line('phone without a network', shell.reduce((sum, f) => sum + gz(f), 0), SHELL)
const needed = new Set([...closure('m.html', new Set(), true)].flatMap((k) => [manifest[k].file, ...(manifest[k].css ?? [])]))
for (const f of needed) if (!shell.includes(f)) over++, console.log(`MISSING  ${f} in phone-worker.js`)
for (const f of shell) if (f.startsWith('assets/') && !needed.has(f)) over++, console.log(`NEEDLESS ${f} in phone-worker.js`)
process.exit(over ? 1 : 0)
