// pages.spec.mjs - every page in Chinese and light and in English and dark, at 1366 and 390 px: nothing in the console, no policy
// violation, nothing wider than the phone, and no serious accessibility fault (axe, WCAG 2.1 AA) on the page or on what
// opens over it. One window per role; language and theme are switched in it, as a person does it.
import { isGrave, violationsOf } from './axe.mjs'
import { DESK, PHONE, enter, expect, menuPages, phone, serverFor, test } from './lib.mjs'

const server = serverFor(test)
const LOOKS = [['zh', 'light'], ['en', 'dark']] // words go with the language, colours with the theme: each is seen once

async function accessible(page, where, without = []) {
  const bad = (await violationsOf(page, without))
    .filter(isGrave)
    .map((v) => `${where}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' | ' + n.any.map((a) => a.message).join(' ').slice(0, 160)).join(' ;; ')}`)
  expect.soft(bad, where).toEqual([])
}
async function fits(page, where) {
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
  expect.soft(wide, `${where} is wider than the screen`).toBeLessThanOrEqual(room)
}
async function look(page, [lang, theme]) {
  await page.evaluate(([l, t]) => {
    localStorage.setItem('anju.lang', l)
    localStorage.setItem('anju.theme', t)
  }, [lang, theme])
}
/* The page is there: its landmark holds something and nothing says "loading". */
async function arrived(page) {
  await expect(page.getByRole('main').first()).toBeVisible()
  await expect(page.getByText(/^(加载中…|Loading…)$/)).toHaveCount(0)
  await page.waitForLoadState('load')
  // Colours fade in: axe must not measure them halfway.
  await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))))
}

/* Pages in both looks, at their own width and at the other. */
async function everyLook(page, paths, own, other) {
  for (const kind of LOOKS) {
    await page.goto(paths[0])
    await look(page, kind)
    for (const path of paths) {
      const where = `${path} ${kind.join(' ')}`
      await page.goto(path)
      await arrived(page)
      await expect(page.locator('html')).toHaveAttribute('lang', kind[0] === 'zh' ? 'zh-CN' : 'en')
      await accessible(page, `${where} ${own.width}`)
      await fits(page, `${where} ${own.width}`)
      await page.setViewportSize(other)
      await arrived(page)
      if (own === PHONE || !path.startsWith('/r/')) await fits(page, `${where} ${other.width}`)
      // What changes with the width is names and order, not colours.
      if (kind[0] === 'zh') await accessible(page, `${where} ${other.width}`, ['color-contrast'])
      await page.setViewportSize(own)
    }
  }
}

async function someTicket(login, query) {
  const api = await server.as(login)
  const list = (await api.get(`tickets?community_id=${api.meta.communities[0].id}&limit=1&${query}`)).body.items
  expect(list.length, `a ticket ${query}`).toBe(1)
  return list[0].id
}

test('login', async ({ windows }) => {
  const context = await windows.open(server.url)
  const page = await context.newPage()
  await everyLook(page, ['/'], DESK, PHONE)
})

/* Every page of every menu, each in the window of the first login that has it: a new page is looked at without a line here. */
const seen = new Set()
for (const login of ['manager', 'desk', 'dispatcher', 'cashier', 'security', 'auditor', 'admin'])
  test(`pages of the menu of ${login}`, async ({ windows }) => {
    test.setTimeout(480_000)
    const page = await enter(windows, server, login)
    const pages = (await menuPages(page)).filter((p) => !seen.has(p) && seen.add(p))
    if (login === 'manager') expect(pages.length).toBeGreaterThan(9)
    if (login === 'security') pages.push('/account')
    if (pages.length) await everyLook(page, pages, DESK, PHONE) // else an earlier login had them all
  })

test('pages of a ticket', async ({ windows }) => {
  const open = await someTicket('manager', 'state=in_progress')
  const api = await server.as('manager')
  const rated = (await api.get(`ratings?community_id=${api.meta.communities[0].id}&limit=1`)).body.items[0].ticket_id
  await everyLook(await enter(windows, server, 'manager'), [`/tickets/${open}`, `/tickets/${rated}`], DESK, PHONE)
})

test('what opens over a page', async ({ windows }) => {
  const page = await enter(windows, server, 'manager')
  for (const [kind, words] of [
    [['zh', 'light'], { fresh: '新建', close: '关闭', details: '详情', filter: '状态', move: /^移动到…/, dispatch: '派单', search: '房号、姓名、电话、车牌或合同号', account: /^账户/, notices: /^动态/, household: '住户' }],
    [['en', 'dark'], { fresh: 'New', close: 'Close', details: 'Details', filter: 'State', move: /^Move to…/, dispatch: 'Dispatch', search: 'Room, name, phone, plate or contract', account: /^Account/, notices: /^Live notices/, household: 'Household' }],
  ]) {
    const where = (what) => `${what} ${kind.join(' ')}`
    await look(page, kind)
    await page.goto('/r/tickets?state=accepted')
    await arrived(page)
    await page.getByRole('table').getByRole('row').nth(1).getByRole('button').click()
    await expect(page.getByRole('complementary', { name: words.details }).getByRole('heading', { level: 2 })).not.toHaveText(/…$/)
    await arrived(page)
    await accessible(page, where('drawer'))
    await page.getByRole('button', { name: words.fresh, exact: true }).click()
    await expect(page.getByRole('dialog')).toBeVisible()
    await arrived(page)
    await accessible(page, where('form'))
    await page.keyboard.press('Escape')
    for (const key of ['?', 'Control+k']) {
      await page.keyboard.press(key)
      await expect(page.getByRole('dialog')).toBeVisible()
      await accessible(page, where(key))
      await page.keyboard.press('Escape')
      await expect(page.getByRole('dialog')).toHaveCount(0)
    }
    await page.getByLabel(words.account).click()
    await accessible(page, where('account menu'))
    await page.getByLabel(words.notices).click()
    await accessible(page, where('notices'))

    await page.goto('/desk')
    await arrived(page)
    await page.getByRole('combobox', { name: words.search }).fill('3-2-15')
    await expect(page.getByRole('option').first()).toBeVisible()
    await accessible(page, where('lookup'))
    await page.keyboard.press('Enter')
    await expect(page.getByRole('region', { name: words.household, exact: true })).toBeVisible()
    await accessible(page, where('household'))
    const card = page.getByRole('article').filter({ has: page.getByLabel(words.move) }).first()
    await card.getByLabel(words.move).click()
    await accessible(page, where('card menu'))
    await card.focus()
    await page.keyboard.press('d')
    await expect(page.getByRole('dialog').getByRole('radio').first()).toBeVisible()
    await accessible(page, where('dispatch dialog'))
    await page.keyboard.press('Escape')
  }
})

test("pages of the worker's phone", async ({ windows }) => {
  const worker = await server.as('worker1')
  const task = (await worker.get(`tickets?community_id=${worker.meta.communities[0].id}&limit=1&assignee_id=${worker.meta.me.staff_id}&state=dispatched,in_progress`)).body.items[0]
  const page = await phone(windows, server, 'worker1')
  await everyLook(page, ['/m', '/m/pool', `/m/task/${task.id}`, '/m/me', '/m/account'], PHONE, DESK)
})

test("pages of the resident's phone", async ({ windows }) => {
  const closed = await someTicket('resident1', 'state=closed')
  const informed = (await (await server.as('resident1')).get('tickets?limit=1&state=informed')).body.items[0]
  const manager = await server.as('manager')
  const text = { purpose: 'marketing', edition: 1, text: '我们用您的电话发送活动信息,保存一年,可随时撤回。', effective_from: '2020-01-01', sensitive: true }
  expect((await manager.post('consent-texts', { community_id: manager.meta.communities[0].id, ...text })).status).toBe(201)
  expect((await (await server.as('resident1')).post('data-requests', { community_id: manager.meta.communities[0].id, kind: 'access' })).status).toBe(201)
  const page = await phone(windows, server, 'resident1')
  await everyLook(page, ['/m', '/m/requests', '/m/report/repair', `/m/request/${closed}`, ...(informed ? [`/m/request/${informed.id}`] : []), '/m/me', '/m/data'], PHONE, DESK)
})
