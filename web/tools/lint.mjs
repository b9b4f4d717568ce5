// Three rules of the UI that no compiler checks: words live in the catalogue (no Han characters in .vue files); text
// never becomes markup (no v-html, innerHTML, outerHTML, insertAdjacentHTML) nor an inline style attribute; a room never
// imports another: what one adds to another's page hangs in kit/registry.ts.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('../src', import.meta.url).pathname
const RULES = [
  { files: /\.vue$/, bad: /\p{Script=Han}/u, why: 'Han characters: put the words into kit/texts*.ts' },
  { files: /\.(vue|ts)$/, bad: /\bv-html\b|\b(inner|outer)HTML\b|insertAdjacentHTML/, why: 'text must not become markup' },
  { files: /\.vue$/, bad: /\sstyle="/, why: 'inline style attributes are refused by the content policy' },
]
const rooms = readdirSync(join(root, 'rooms'))
for (const room of rooms) {
  const others = rooms.filter((r) => r !== room).join('|')
  RULES.push({ files: new RegExp(`^rooms/${room}/`), bad: new RegExp(`['"](\\.\\./)+(rooms/)?(${others})/`), why: 'a room never imports another: hang it into kit/registry.ts' })
}
let faults = 0
for (const name of readdirSync(root, { recursive: true }).map(String)) {
  if (!/\.(vue|ts)$/.test(name)) continue
  readFileSync(join(root, name), 'utf8').split('\n').forEach((line, i) => {
    for (const rule of RULES)
      if (rule.files.test(name) && rule.bad.test(line)) {
        console.error(`src/${name}:${i + 1}: ${rule.why}`)
        faults++
      }
  })
}
process.exit(faults ? 1 : 0)
