// budgets.spec.mjs - what a page may weigh and how little it may jump while it comes: the limits of web/README.md. What needs a
// quiet machine (Lighthouse's scores) is `make lighthouse`.
import { execFileSync } from 'node:child_process'
import { DESK, PHONE, enter, expect, menuPages, phone, serverFor, test } from './lib.mjs'

const server = serverFor(test)

test('no entry, chunk or style sheet is over its bytes', () => {
  const said = execFileSync(process.execPath, ['web/tools/size.mjs'], { encoding: 'utf8', cwd: new URL('../..', import.meta.url) })
  expect(said).toContain('whole dist')
})

/* The sum of all shifts nobody caused by a key or click, as browsers count it. */
const shifts = () => {
  globalThis.shifted = 0
  globalThis.what = []
  new PerformanceObserver((list) => {
    for (const e of list.getEntries())
      if (!e.hadRecentInput) {
        globalThis.shifted += e.value
        globalThis.what.push(...e.sources.map((s) => `${e.value.toFixed(3)} ${s.node?.nodeName}.${s.node?.className}`))
      }
  }).observe({ type: 'layout-shift', buffered: true })
}
async function still(page, path, size) {
  await page.goto(path)
  await expect(page.getByRole('main').first()).toBeVisible()
  await expect(page.getByText(/^(加载中…|Loading…)$/)).toHaveCount(0)
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
  const [sum, what] = await page.evaluate(() => [globalThis.shifted, globalThis.what.slice(0, 6)])
  expect.soft(sum, `${path} at ${size.width}: ${what.join('; ')}`).toBeLessThanOrEqual(0.05)
}

test('no page jumps while it comes', async ({ windows }) => {
  const page = await enter(windows, server, 'manager')
  const pages = await menuPages(page)
  await page.context().addInitScript(shifts)
  const api = await server.as('manager')
  const ticket = (await api.get(`tickets?community_id=${api.meta.communities[0].id}&limit=1&state=in_progress`)).body.items[0]
  for (const path of [...pages, `/tickets/${ticket.id}`]) await still(page, path, DESK)
  for (const login of ['worker1', 'resident1']) {
    const small = await phone(windows, server, login)
    await small.context().addInitScript(shifts)
    for (const path of login === 'worker1' ? ['/m', '/m/pool', '/m/me'] : ['/m', '/m/requests', '/m/report/repair', '/m/me']) await still(small, path, PHONE)
  }
})
