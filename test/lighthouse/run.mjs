// run.mjs - `make lighthouse`: the budgets of docs that only a whole browser can judge. Desk pages as a desktop, phone pages as a
// phone on slow 4G with a fourth of the processor. Performance is the best of three: it wobbles where others work on the
// same machine, so it is no part of `make test`; bytes, shifts and accessibility are.
//   node test/lighthouse/run.mjs [FOLDER]      reports as HTML into the folder (build/lighthouse)
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launch } from 'chrome-launcher'
import lighthouse, { desktopConfig } from 'lighthouse'
import { client, startServer } from '../lib/server.mjs'

const LIMIT = { performance: 0.95, accessibility: 1, 'best-practices': 0.95 }
const CLS = 0.05
const out = process.argv[2] ?? 'build/lighthouse'
mkdirSync(out, { recursive: true })

const server = await startServer({ demo: true })
async function login(name) {
  const c = client(server.url)
  await c.login(name, 'anju-demo')
  return c
}
const manager = await login('manager')
const worker = await login('worker1')
const resident = await login('resident1')
const ticket = (await manager.get('tickets?state=in_progress&limit=1&community_id=' + (await manager.get('meta')).body.communities[0].id)).body.items[0]
const PAGES = [
  ['login', null, '/', true], ['today', manager, '/', true], ['desk', manager, '/desk', true], ['list', manager, '/r/tickets', true], ['ticket', manager, `/tickets/${ticket.id}`, true],
  ['phone-login', null, '/m', false], ['worker', worker, '/m', false], ['resident', resident, '/m', false], ['report', resident, '/m/report/repair', false],
]
const browser = await launch({ chromePath: process.env.CHROME_PATH ?? '/usr/bin/chromium', chromeFlags: ['--headless', '--no-sandbox', '--disable-dev-shm-usage'] })
let bad = 0
console.log('page          performance  accessibility  best practices  rows seen ms    CLS')
for (const [name, who, path, desk] of PAGES) {
  let best = null
  for (let i = 0; i < 3 && (best?.score.performance ?? 0) < LIMIT.performance; i++) {
    const run = await lighthouse(server.url + path, {
      port: browser.port, logLevel: 'error', output: 'html', onlyCategories: Object.keys(LIMIT), locale: 'zh', disableStorageReset: !!who,
      maxWaitForLoad: 20_000, extraHeaders: who ? { Cookie: who.session().cookie } : {},
    }, desk ? desktopConfig : undefined)
    const score = Object.fromEntries(Object.keys(LIMIT).map((k) => [k, run.lhr.categories[k].score ?? 0]))
    if (!best || score.performance > best.score.performance) best = { score, run }
  }
  const { audits } = best.run.lhr
  const cls = audits['cumulative-layout-shift'].numericValue ?? 1
  const lcp = audits['largest-contentful-paint'].numericValue ?? 0
  const wrong = Object.entries(LIMIT).filter(([k, limit]) => best.score[k] < limit).map(([k]) => k)
  if (cls > CLS) wrong.push('layout shift')
  bad += wrong.length
  console.log(`${name.padEnd(12)} ${Object.keys(LIMIT).map((k) => String(Math.round(best.score[k] * 100)).padStart(13)).join('')} ${String(Math.round(lcp)).padStart(15)} ${cls.toFixed(3).padStart(8)}${wrong.length ? '  UNDER: ' + wrong.join(', ') : ''}`)
  if (wrong.length) for (const a of Object.values(audits).filter((x) => x.score !== null && x.score < 0.9 && x.scoreDisplayMode !== 'informative').slice(0, 12)) console.log(`    ${a.id} ${a.displayValue ?? ''}`)
  writeFileSync(join(out, name + '.html'), best.run.report)
}
await browser.kill()
await server.stop()
process.exitCode = bad ? 1 : 0
