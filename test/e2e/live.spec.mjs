// live.spec.mjs - two people at two screens: what one does, the other sees within two seconds; and a card moves by dragging
// as well as by its menu.
import { card, cardMenu, enter, expect, serverFor, test, words } from './lib.mjs'

const server = serverFor(test)
const w = words('zh')
const SOON = { timeout: 2000 }
const column = (page, name) => page.getByRole('region', { name, exact: true })

async function accepted(title) {
  const desk = await server.as('desk')
  const made = await desk.post('tickets', { community_id: desk.meta.communities[0].id, kind: 'repair', title, channel: 'phone' })
  const row = await desk.post(`tickets/${made.body.id}/actions/accept`, {})
  expect(row.status).toBe(200)
  return { desk, row: row.body }
}

test('the board follows what others do within two seconds', async ({ windows }) => {
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
