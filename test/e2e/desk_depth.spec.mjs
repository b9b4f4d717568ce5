// desk_depth.spec.mjs - the desk in depth, in both languages: why something is due then; a day of the community's own; a description
// that finds its category; a pause that needs a yes; who should go, and why.
import { enter, expect, serverFor, test } from './lib.mjs'

const server = serverFor(test)
const WORDS = {
  zh: {
    work_out: '推算', received: /^收到时间/, out: ['2026-10-08 12:30', '2026-10-08 17:30', '2026-10-09 17:30'], holiday: '2026-10-01 至 2026-10-07', add: '加一个暂停', overlap: '暂停早于收到时间', from: /^从/, to: /^到/,
    day: '日期', make_off: '改为休息', why: '说明', saved: '已保存。已经承诺的时限不变。', undo: '取消自定', own: '本项目自定', off: '休息', week: '按星期',
    title: '标题', sounds: '像是', tap: /户内给水·水龙头漏水/, category: '分类', register: '登记', approve: '批准暂停', stops: '停表', pauses: '暂停记录', dispatch: '派单', best: '智能派单', steps: '处理步骤', step: '试水半小时',
  },
  en: {
    work_out: 'Work it out', received: /^Received at/, out: ['2026-10-08 12:30', '2026-10-08 17:30', '2026-10-09 17:30'], holiday: '2026-10-01 to 2026-10-07', add: 'Add a pause', overlap: 'before the request was received', from: /^From/, to: /^To/,
    day: 'Date', make_off: 'Make it a day off', why: 'What for', saved: 'Saved. What was promised stays.', undo: 'Undo', own: 'this community', off: 'day off', week: 'weekday',
    title: 'Title', sounds: 'Sounds like', tap: /Home water supply: Dripping tap/, category: 'Category', register: 'Register', approve: 'Approve pause', stops: 'clock stopped', pauses: 'Pauses', dispatch: 'Dispatch', best: 'Best fit', steps: 'Steps', step: 'Run water for half an hour',
  },
}
for (const lang of ['zh', 'en']) {
  const w = WORDS[lang]
  const open = { lang }

  test(`the simulator says when and why; the calendar takes the community’s word (${lang})`, async ({ windows, noise }) => {
    noise.expected.push(/422/) // a wrong question is asked on purpose
    const page = await enter(windows, server, 'manager', '/simulator', open)
    await page.getByLabel(w.received).fill('2026-09-30T17:30')
    await page.getByRole('button', { name: w.work_out }).click()
    for (const due of w.out) await expect(page.getByText(due, { exact: true }).first()).toBeVisible()
    await expect(page.getByText(w.holiday)).toBeVisible()
    await page.getByRole('button', { name: w.add }).click()
    await page.getByLabel(w.from).fill('2026-09-30T09:00')
    await page.getByLabel(w.to).fill('2026-09-30T18:00')
    await page.getByRole('button', { name: w.work_out }).click()
    await expect(page.getByRole('alert')).toContainText(w.overlap)

    await page.goto('/calendar?year=2026')
    const day = lang === 'zh' ? '2026-06-10' : '2026-06-11'
    await page.getByLabel(w.day, { exact: true }).fill(day)
    await expect(page.getByText(w.week, { exact: true })).toBeVisible()
    await page.getByLabel(w.why, { exact: true }).fill('业主开放日')
    await page.getByRole('button', { name: w.make_off }).click()
    await expect(page.getByText(w.saved)).toBeVisible()
    await expect(page.getByText(w.own, { exact: true })).toBeVisible()
    await page.getByRole('button', { name: w.undo, exact: true }).click()
    await expect(page.getByText(w.week, { exact: true })).toBeVisible()
  })

  test(`a description finds its category; a pause gets its yes; the system sends the best (${lang})`, async ({ windows, noise }) => {
    noise.expected.push(/422/) // a wrong question is asked on purpose
    const page = await enter(windows, server, 'manager', '/desk', open)
    await page.getByRole('form').getByLabel(w.title).fill('厨房水龙头一直滴水 dripping tap')
    const chip = page.getByRole('group', { name: w.sounds }).getByRole('button', { name: w.tap })
    await chip.click()
    await expect(chip).toHaveAttribute('aria-pressed', 'true')
    await page.getByRole('form').getByRole('button', { name: w.register, exact: true }).click()
    const api = await server.as('manager')
    const community = api.meta.communities[0].id
    const find = async () => (await api.get(`tickets?community_id=${community}&limit=1`)).body.items[0]
    await expect.poll(async () => (await find()).title).toContain('dripping tap')
    let t = await find()
    expect(t.category_id).toBeTruthy()
    t = (await api.post(`tickets/${t.id}/actions/accept`, {})).body
    await page.goto(`/tickets/${t.id}`)
    await expect(page.getByRole('heading', { name: w.steps })).toBeVisible()
    await expect(page.getByText(w.step, { exact: true })).toBeVisible()
    await page.getByRole('button', { name: w.dispatch, exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: w.best }).click()
    await expect.poll(async () => (await api.get(`tickets/${t.id}`)).body.state).toBe('dispatched')

    const worker = await server.as('worker1')
    t = (await api.post(`tickets/${t.id}/actions/dispatch`, { assignee_id: worker.meta.me.staff_id, reason: '就近' })).body
    await worker.post(`tickets/${t.id}/actions/start`, {})
    expect((await worker.post(`tickets/${t.id}/actions/pause`, { class: 'parts', reason: '等阀芯' })).status).toBe(200)
    await page.reload()
    await page.getByRole('button', { name: w.approve, exact: true }).click()
    await expect(page.getByRole('region', { name: w.pauses }).getByText(w.stops, { exact: true })).toBeVisible() // 停表 is in 不停表 too
    expect((await api.get(`tickets/${t.id}`)).body.clock_stopped).toBe(true)
  })
}

test('a neighbour has told it already: the desk sees it while writing, with the reasons', async ({ windows }) => {
  const desk = await server.as('desk')
  const community = desk.meta.communities[0].id
  const units = (await desk.get(`spaces?community_id=${community}&kind=unit&limit=200&sort=id`)).body.items
  const house = units[0].path_name.match(/^.*?栋/)[0]
  const [one, other] = units.filter((u) => u.path_name.startsWith(house))
  expect((await desk.post('tickets', { community_id: community, kind: 'repair', channel: 'phone', title: '屋顶水箱一直溢水', space_id: one.id })).status).toBe(201)
  const page = await enter(windows, server, 'desk', '/desk')
  await page.getByRole('combobox', { name: '房号、姓名、电话、车牌或合同号' }).fill(other.code)
  await expect(page.getByRole('option').first()).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: '住户', exact: true })).toBeVisible()
  const form = page.getByRole('form', { name: '登记工单' })
  await form.getByLabel('标题').fill('屋顶水箱溢水')
  const told = form.getByRole('status').filter({ hasText: '可能有人已经报过' })
  await expect(told.getByRole('button', { name: /屋顶水箱一直溢水/ })).toContainText('同一栋 · 说法相近')
  await page.screenshot({ path: 'build/e2e/looks/alike.png' })
})

test('a caller gives the end of his plate: the desk finds his home', async ({ windows }) => {
  const desk = await server.as('desk')
  const community = desk.meta.communities[0].id
  const stay = (await desk.get(`occupancies?community_id=${community}&limit=1`)).body.items[0]
  const space = (await desk.get(`spaces/${stay.space_id}`)).body
  expect((await desk.post('identities', { community_id: community, person_id: stay.person_id, kind: 'plate', value: '苏P·Z9Q71' })).status).toBe(201)
  const page = await enter(windows, server, 'desk', '/desk')
  for (const heard of ['z9q71', '苏pz9q71']) {
    await page.getByRole('combobox', { name: '房号、姓名、电话、车牌或合同号' }).fill(heard)
    await expect(page.getByRole('option').first()).toContainText(space.path_name)
  }
})

// A member of the family calls: he is the caller, not the owner. Nobody is recommended for a trade nobody named.
test('who calls is taken, the trade is asked before somebody is recommended, the next call begins at once', async ({ windows }) => {
  const desk = await server.as('desk')
  const community = desk.meta.communities[0].id
  const stay = (await desk.get(`occupancies?community_id=${community}&relation=family&limit=1`)).body.items[0]
  const caller = (await desk.post('people', { community_id: community, kind: 'person', name: '来电的家人', phone: '13655570199' })).body
  expect((await desk.post('occupancies', { community_id: community, person_id: caller.id, space_id: stay.space_id, relation: 'family', from_date: '2026-01-01' })).status).toBe(201)
  const page = await enter(windows, server, 'manager', '/desk')
  const search = page.getByRole('combobox', { name: '房号、姓名、电话、车牌或合同号' })
  await search.focus()
  await page.keyboard.type('13655570199')
  await page.keyboard.press('Enter') // faster than any answer
  await expect(page.getByRole('region', { name: '住户', exact: true }).getByRole('button', { name: /来电的家人/ })).toHaveAttribute('aria-pressed', 'true')
  const form = page.getByRole('form', { name: '登记工单' })
  await expect(form.getByLabel('联系人')).toHaveValue('来电的家人')
  await expect(form.getByLabel('标题')).toBeFocused()
  await page.keyboard.type('厨房水龙头一直滴水')
  await page.keyboard.press('Control+Enter')
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('radio').first()).toBeVisible()
  await expect(dialog.getByText('没有分类,不知道需要什么技能')).toBeVisible()
  await expect(dialog.getByText('推荐', { exact: true })).toHaveCount(0)
  await dialog.getByRole('group', { name: '像是' }).getByRole('button', { name: /户内给水·水龙头漏水/ }).click()
  await expect(dialog.getByText('没有分类,不知道需要什么技能')).toHaveCount(0)
  await page.screenshot({ path: 'build/e2e/looks/dispatch-trade.png' })
  const best = dialog.getByRole('radio').first()
  await expect(best).toBeChecked()
  await expect(dialog.locator('label').filter({ has: page.getByRole('radio') }).first()).toContainText('水工')
  await dialog.locator('form').press('Control+Enter')
  await expect(dialog).toHaveCount(0)
  await expect(search).toBeFocused()
})

test('a category is one kind’s: another kind drops it, and the list holds its own only', async ({ windows }) => {
  const page = await enter(windows, server, 'desk', '/desk')
  const form = page.getByRole('form', { name: '登记工单' })
  await form.getByLabel('标题').fill('厨房水龙头一直滴水')
  await form.getByRole('group', { name: '像是' }).getByRole('button', { name: /户内给水·水龙头漏水/ }).click()
  const category = form.getByRole('combobox', { name: '分类' })
  await expect(category).toHaveValue(/水龙头漏水/)
  await form.getByLabel('类别').selectOption('complaint')
  await expect(category).toHaveValue('')
  await category.fill('噪音')
  await expect(page.getByRole('option', { name: /噪音扰民/ }).first()).toBeVisible()
  await category.fill('水龙头')
  await expect(page.getByRole('option', { name: /户内给水/ })).toHaveCount(0)
})
