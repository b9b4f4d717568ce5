// live.spec.mjs - two people at two screens: what one does, the other sees at once, without reading anew; and a card moves by dragging
// as well as by its menu. What a clock tells somebody stands on his first page until he says that he saw it.
import { Database } from '../lib/database.mjs'
import { card, cardMenu, enter, expect, phone, serverFor, test, words } from './lib.mjs'

const server = serverFor(test)
const w = words('zh')
const SOON = { timeout: 10_000 } // told: nothing here reads anew by itself
const column = (page, name) => page.getByRole('region', { name, exact: true })

async function accepted(title) {
  const desk = await server.as('desk')
  const made = await desk.post('tickets', { community_id: desk.meta.communities[0].id, kind: 'repair', title, channel: 'phone' })
  const row = await desk.post(`tickets/${made.body.id}/actions/accept`, {})
  expect(row.status).toBe(200)
  return { desk, row: row.body }
}

test('the board follows what others do', async ({ windows }) => {
  const page = await enter(windows, server, 'dispatcher', '/desk')
  await expect(column(page, w.col_new).getByRole('article').first()).toBeVisible()
  await page.getByText('动态', { exact: true }).or(page.getByLabel('动态')).first().click()
  await expect(page.getByText('实时更新中')).toBeVisible()
  const { row } = await accepted('楼道灯不亮')
  await expect(column(page, w.col_new).getByRole('article', { name: row.code })).toBeVisible(SOON)
  const dispatcher = await server.as('dispatcher')
  const worker = await server.as('worker1')
  expect((await dispatcher.post(`tickets/${row.id}/actions/dispatch`, { assignee_id: worker.meta.me.staff_id, reason: '就近' })).status).toBe(200)
  await expect(column(page, w.col_assigned).getByRole('article', { name: row.code })).toBeVisible(SOON)
  expect((await worker.post(`tickets/${row.id}/actions/start`, {})).status).toBe(200)
  await expect(column(page, w.col_doing).getByRole('article', { name: row.code })).toBeVisible(SOON)
  await expect(card(page, row.code).getByText(worker.meta.me.name)).toBeVisible()
})

test('dragging a card to a worker dispatches it, and so does its menu', async ({ windows }) => {
  const page = await enter(windows, server, 'dispatcher', '/desk')
  const other = await enter(windows, server, 'desk', '/desk')
  const name = (await server.as('worker1')).meta.me.name
  await expect(column(other, w.col_new)).toBeVisible()
  const dragged = (await accepted('单元门关不上')).row.code
  const strip = page.getByRole('region', { name: '人员' }).getByRole('listitem').filter({ hasText: name })
  await card(page, dragged).dragTo(strip)
  await expect(page.getByText(`${dragged} 已派给 ${name}`)).toBeVisible()
  await expect(column(page, w.col_assigned).getByRole('article', { name: dragged })).toBeVisible()
  await expect(column(other, w.col_assigned).getByRole('article', { name: dragged }).getByText(name)).toBeVisible(SOON)

  const chosen = (await accepted('垃圾桶破损')).row.code
  await cardMenu(page, w, chosen, w.dispatch)
  const dialog = page.getByRole('dialog', { name: chosen })
  await dialog.getByRole('radio', { name }).check()
  await dialog.getByRole('button', { name: w.dispatch, exact: true }).click()
  await expect(page.getByText(`${chosen} 已派给 ${name}`)).toBeVisible()
  await expect(column(other, w.col_assigned).getByRole('article', { name: chosen }).getByText(name)).toBeVisible(SOON)

  const asked = (await accepted('快递柜故障')).row.code
  await card(page, asked).dragTo(column(page, w.col_assigned))
  await expect(page.getByRole('dialog', { name: asked })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(column(page, w.col_new).getByRole('article', { name: asked })).toBeVisible()
})

/* The clock of this ticket has used this much; the others have time. */
async function age(row, clock, due) {
  const database = new Database(server.server)
  const far = Date.now() + 30 * 86_400_000
  await database.run(`UPDATE ticket SET respond_due = ${far}, respond_min = 99999, handle_due = ${far}, handle_min = 99999, resolve_due = ${far}, resolve_min = 99999 WHERE id = ${row.id}`)
  await database.run(`UPDATE ticket SET ${clock}_due = ${Date.now() + due}, ${clock}_min = 1, clock_from = ${Date.now() - 86_400_000}, clock_hours = 1, priority = 1, next_due = ${Date.now() + due}, clock_next = ${Date.now() - 1000} WHERE id = ${row.id}`)
  await database.run("DELETE FROM job WHERE name = 'service.clocks'")
  const desk = await server.as('desk')
  await desk.post('tickets', { community_id: desk.meta.communities[0].id, kind: 'repair', title: '叫醒定时器', channel: 'phone' })
}

for (const [lang, w] of [['zh', { told: '升级提醒', seen: '已知悉', all: '全部已知悉', nobody: '没有找到负责人', response: '响应', handling: '首次处理' }], ['en', { told: 'Told to you', seen: 'Seen', all: 'All seen', nobody: 'nobody to tell was found', response: 'Response', handling: 'First handling' }]]) {
  test(`an escalation stands on the manager’s first page until it is seen (${lang})`, async ({ windows }) => {
    const page = await enter(windows, server, 'manager', '/', { lang })
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    const desk = await server.as('desk')
    const row = (await desk.post('tickets', { community_id: desk.meta.communities[0].id, kind: 'repair', title: '水泵房进水', channel: 'phone' })).body
    await age(row, 'respond', -60_000)
    const block = page.getByRole('region', { name: w.told })
    const mine = block.getByRole('listitem').filter({ hasText: row.code })
    await expect(mine).toContainText('150%', { timeout: 30_000 })
    await expect(mine).toHaveCount(1) // the supervisor's, whom nobody is, the manager's and the company's are one line
    await expect(mine).toContainText('水泵房进水')
    await expect(mine).toContainText(w.response)
    await page.screenshot({ path: `build/e2e/looks/told-${lang}.png` })
    await mine.getByRole('button', { name: w.seen }).click()
    await expect(mine).toHaveCount(0)
    const database = new Database(server.server)
    await database.run(`UPDATE escalation SET state = 1, seen_at = NULL WHERE ticket_id = ${row.id} AND percent IN (100, 150)`)
    await page.reload()
    await expect(mine).toHaveCount(2)
    const manager = await server.as('manager')
    const [one] = (await manager.get(`escalations?community_id=${row.community_id}&ticket_id=${row.id}&percent=100`)).body.items
    expect(one.code).toBe(row.code)
    expect((await manager.post(`escalations/${one.id}/actions/see`, {})).status).toBe(200)
    await expect(mine).toHaveCount(1) // seen elsewhere, it leaves this page too
    await database.run(`UPDATE escalation SET state = 1 WHERE ticket_id = ${row.id} AND percent = 100`)
    await database.run(`UPDATE escalation SET state = 1, staff_id = NULL WHERE ticket_id = ${row.id} AND percent = 80`)
    await page.reload() // one press for all that was told to him; told to nobody, it stands with those who dispatch
    await expect(mine).toHaveCount(3)
    await block.getByRole('button', { name: w.all }).click()
    await expect(mine).toHaveCount(1)
    await expect(mine).toContainText(w.nobody)
    await expect(block.getByRole('button', { name: w.all })).toHaveCount(0)
    await mine.getByRole('link').click()
    await expect(page.getByRole('heading', { name: '水泵房进水' })).toBeVisible()
  })

  test(`a worker is told on his phone, and says that he saw it (${lang})`, async ({ windows }) => {
    const page = await phone(windows, server, 'worker1', '/m', { lang })
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    const { row } = await accepted('地下室照明不亮')
    const [dispatcher, worker] = [await server.as('dispatcher'), await server.as('worker1')]
    expect((await dispatcher.post(`tickets/${row.id}/actions/dispatch`, { assignee_id: worker.meta.me.staff_id, reason: '就近' })).status).toBe(200)
    await age(row, 'handle', 3_600_000)
    const mine = page.getByRole('region', { name: w.told }).getByRole('listitem').filter({ hasText: row.code })
    await expect(mine).toHaveCount(1, { timeout: 30_000 })
    await expect(mine).toContainText(w.handling)
    await expect(mine).toContainText('50%')
    await page.screenshot({ path: `build/e2e/looks/told-phone-${lang}.png` })
    await mine.getByRole('button', { name: w.seen }).click()
    await expect(mine).toHaveCount(0)
  })
}

for (const [lang, w] of [['zh', { late: '超时', home: '已超时', total: '共' }], ['en', { late: 'Overdue', home: 'Overdue', total: 'in total' }]])
  test(`a card that is red is counted, and the number opens the very rows (${lang})`, async ({ windows }) => {
    const desk = await server.as('desk')
    const row = (await desk.post('tickets', { community_id: desk.meta.communities[0].id, kind: 'repair', title: '单元门铃不响', channel: 'phone' })).body
    await age(row, 'respond', -3_600_000)
    const page = await enter(windows, server, 'manager', '/desk', { lang })
    const tag = page.getByRole('link', { name: new RegExp(`^${w.late} \\d+$`) })
    await expect(tag).toBeVisible()
    const n = Number((await tag.innerText()).match(/\d+/)[0])
    expect(n).toBeGreaterThan(0)
    await tag.click()
    await expect(page.getByText(new RegExp(`^${lang === 'zh' ? `共 ${n} 条` : `${n} in total`}$`))).toBeVisible()
    await expect(page.getByRole('row', { name: row.code })).toBeVisible()
    await page.screenshot({ path: `build/e2e/looks/overdue-${lang}.png` })
    await page.goto('/')
    const first = page.getByRole('link', { name: new RegExp(`^${w.home} \\d+`) })
    await expect(first).toContainText(String(n))
    await expect(page.getByRole('main').getByRole('table').getByRole('row').first()).toContainText(lang === 'zh' ? /超时/ : /late|overdue/i)
    await page.screenshot({ path: `build/e2e/looks/home-overdue-${lang}.png` })
    await first.click()
    await expect(page.getByText(new RegExp(`^${lang === 'zh' ? `共 ${n} 条` : `${n} in total`}$`))).toBeVisible()
    await expect(page.getByRole('row', { name: row.code })).toBeVisible()
  })
