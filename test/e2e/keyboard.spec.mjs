// keyboard.spec.mjs - the house without a mouse. Every page of every menu is walked from its first Tab to its last: all that can
// be used is reached, in view and visibly focused, nothing holds the focus, dialogs give it back. Then a day's work by keys only.
import { DESK, enter, expect, menuPages, phone, serverFor, test, words } from './lib.mjs'

const server = serverFor(test)

/* What the walk must reach. One radio of a group and one tab of a list is enough: arrows reach the others. Runs in the page. */
const REACHABLE = () => {
  const groups = new Set()
  const list = []
  for (const e of document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')) {
    if (e.disabled || e.tabIndex < 0 || e.closest('[inert], dialog:not([open])') || e.type === 'hidden') continue
    const closed = e.closest('details:not([open])')
    if (closed && e.tagName !== 'SUMMARY') continue
    if (closed && e.tagName === 'SUMMARY' && closed !== e.parentElement) continue
    if (!e.checkVisibility({ checkVisibilityCSS: true, visibilityProperty: true })) continue
    if (e.type === 'radio') {
      const chosen = document.querySelector(`input[type=radio][name="${CSS.escape(e.name)}"]:checked`)
      if (groups.has(e.name) || (chosen && chosen !== e)) continue // Tab goes to the chosen one
      groups.add(e.name)
    }
    e.dataset.walk = String(list.length)
    list.push(`${e.tagName.toLowerCase()} "${(e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || '').trim().slice(0, 40)}"`)
  }
  return list
}
/* Where the focus stands, and what a person would miss about it. Runs in the page. */
const FOCUSED = () => {
  const e = document.activeElement
  if (!e || e === document.body || e === document.documentElement) return null
  const box = e.getBoundingClientRect()
  const look = getComputedStyle(e)
  // A bare input may be drawn by what is around it.
  const ring = [e, e.parentElement, e.nextElementSibling].filter(Boolean).some((x) => {
    const s = getComputedStyle(x)
    return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none'
  })
  const what = `${e.tagName.toLowerCase()}.${e.className} "${(e.getAttribute('aria-label') || e.textContent || '').trim().slice(0, 40)}"`
  const faults = []
  if (!ring) faults.push('no visible focus')
  if (box.bottom <= 0 || box.right <= 0 || box.top >= innerHeight || box.left >= innerWidth) faults.push('out of view')
  if (look.visibility === 'hidden' || !box.width || !box.height) faults.push('invisible')
  return { at: e.dataset.walk ?? (e.type === 'radio' ? 'radio:' + e.name : what), group: e.type === 'radio' ? e.name : null, what, faults }
}

async function walk(page, where) {
  await expect(page.getByRole('main').first()).toBeVisible()
  await expect(page.getByText(/^(加载中…|Loading…)$/)).toHaveCount(0)
  // Where a fresh page begins, also when it has put the focus somewhere itself.
  await page.evaluate(() => {
    const first = Object.assign(document.createElement('span'), { tabIndex: 0 })
    document.body.prepend(first)
    first.focus()
    first.remove()
  })
  const wanted = await page.evaluate(REACHABLE)
  const reached = new Set()
  let last = null
  let stays = 0 // a date has a stop for each of its parts
  let turns = 0
  const faults = []
  for (; turns < wanted.length * 3 + 40; turns++) {
    await page.keyboard.press('Tab')
    const now = await page.evaluate(FOCUSED)
    if (!now) break // past the last one: the browser's own frame
    stays = now.at === last ? stays + 1 : 0
    if (stays === 10) faults.push(`${now.what} holds the focus`)
    // A button that was still asleep when the page was looked at is a stop more; it must not stand for one that was wanted.
    if (reached.has(now.at) && wanted.every((_, i) => reached.has(String(i)))) break
    last = now.at
    reached.add(now.at)
    for (const f of now.faults) faults.push(`${now.what}: ${f}`)
  }
  const missed = wanted.filter((_, i) => !reached.has(String(i)))
  expect.soft({ faults: faults.slice(0, 5), missed: missed.slice(0, 5) }, `${where}: ${wanted.length} stops`).toEqual({ faults: [], missed: [] })
  expect.soft(turns, `${where} has an end`).toBeLessThan(wanted.length * 3 + 40)
}

const seen = new Set()
for (const login of ['manager', 'cashier', 'security', 'auditor', 'admin'])
  test(`every page of ${login} by Tab`, async ({ windows }) => {
    test.setTimeout(240_000)
    const page = await enter(windows, server, login)
    const pages = (await menuPages(page)).filter((p) => !seen.has(p) && seen.add(p))
    if (login === 'manager') {
      const api = await server.as('manager')
      const one = (await api.get(`tickets?community_id=${api.meta.communities[0].id}&limit=1&state=accepted`)).body.items[0]
      pages.push(`/tickets/${one.id}`, '/account')
    }
    for (const path of pages) {
      await page.goto(path)
      await walk(page, path)
    }
  })

for (const [login, pages] of [['worker1', ['/m', '/m/pool', '/m/me', '/m/account']], ['resident1', ['/m', '/m/requests', '/m/report/repair', '/m/me', '/m/data']]])
  test(`the phone of ${login} by Tab`, async ({ windows }) => {
    const page = await phone(windows, server, login)
    for (const path of pages) {
      await page.goto(path)
      await walk(page, path)
    }
  })

test('the login by Tab', async ({ windows }) => {
  const page = await (await windows.open(server.url)).newPage()
  await page.goto('/')
  await walk(page, 'login')
})

/* Tab until the focus stands on what is looked for; a person gives up at some point. */
async function tabTo(page, locator, limit = 120) {
  for (let i = 0; i < limit; i++) {
    if (await locator.evaluate((e) => e === document.activeElement).catch(() => false)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`not reached by ${limit} Tabs: ${locator}`)
}

test('from login to a dispatched ticket without a mouse', async ({ windows }) => {
  const w = words('zh')
  const page = await (await windows.open(server.url, { viewport: DESK })).newPage()
  await page.goto('/')
  await tabTo(page, page.getByLabel(w.account))
  await page.keyboard.type('manager')
  await page.keyboard.press('Tab')
  await page.keyboard.type('anju-demo')
  await page.keyboard.press('Enter')
  const menu = page.getByRole('navigation', { name: '主菜单' }).or(page.getByRole('navigation')).first()
  await expect(menu).toBeVisible()
  // The first stop of every page leaps over the menu.
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(page.locator('#main')).toBeFocused()
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('dialog').getByRole('combobox')).toBeFocused()
  await page.keyboard.type(w.desk)
  await expect(page.getByRole('dialog').getByRole('option').first()).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/desk/)
  await expect(page.getByRole('region', { name: w.col_new, exact: true })).toBeVisible()
  await page.keyboard.press('/')
  await page.keyboard.type('3-2-15')
  await expect(page.getByRole('option').first()).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('form', { name: w.register }).getByLabel(w.title)).toBeFocused()
  const title = '只用键盘登记的工单'
  await page.keyboard.type(title)
  await page.keyboard.press('Control+Enter')
  const dialog = page.getByRole('dialog') // who takes the call may dispatch at once; this one thinks it over
  await expect(dialog.getByRole('radio').first()).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  const card = page.getByRole('region', { name: w.col_new, exact: true }).getByRole('article', { name: title })
  await expect(card).toBeVisible()
  // A column is one stop; arrows and j/k go from card to card.
  await tabTo(page, page.getByRole('region', { name: w.col_new, exact: true }).locator('article[tabindex="0"]'), 200)
  for (let i = 0; i < 60 && !(await card.evaluate((e) => e === document.activeElement)); i++) await page.keyboard.press('j')
  await expect(card).toBeFocused()
  await page.keyboard.press('d')
  await expect(dialog.getByRole('radio').first()).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(card, 'the dialog gives the focus back').toBeFocused()
  await page.keyboard.press('d')
  await expect(dialog.getByRole('radio').first()).toBeChecked()
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('region', { name: w.col_assigned, exact: true }).getByRole('article', { name: title })).toBeVisible()
})

test('what is typed while the palette is on its way is in it, and presses nothing below', async ({ windows }) => {
  const page = await enter(windows, server, 'manager', '/desk')
  await expect(page.getByRole('region', { name: words('zh').col_new, exact: true })).toBeVisible()
  let give
  await page.route('**/Palette-*.js', async (r) => {
    await new Promise((done) => { give = done })
    await r.continue()
  })
  await page.keyboard.press('Control+k')
  await page.keyboard.type('abc?')
  await page.keyboard.press('Backspace')
  await expect(page.getByRole('dialog'), 'neither the palette yet nor the help of ?').toHaveCount(0)
  await expect.poll(() => typeof give).toBe('function')
  give()
  const box = page.getByRole('dialog').getByRole('combobox')
  await expect(box).toHaveValue('abc')
  await page.keyboard.type('d')
  await expect(box).toHaveValue('abcd')
})
