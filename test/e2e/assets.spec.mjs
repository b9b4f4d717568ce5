// assets.spec.mjs - equipment in people's hands: a sign printed for a machine, scanned without a login, becomes a ticket at the desk
// that names the machine; the desk chooses it of those at the caller's home, by keyboard alone.
import { PHONE, enter, expect, looks, phone, serverFor, test } from './lib.mjs'

const server = serverFor(test)
const WORDS = {
  zh: {
    of: '设备', system: '系统', lift: '电梯', find: '名称、编号或位置', make: '生成 1 张', sheet: '二维码标牌', scan: '扫码报修这台设备', what: '请写清楚情况', send: '提交', sent: /已收到，单号 WX-/, asset: '设备', print: '打印工作单', paper: '维修工作单',
    search: '房号、姓名、电话、车牌或合同号', household: '住户', form: '登记工单', title: '标题', register: '登记', registered: /已登记 WX-/, same: '同一台设备', stop: '停用', why: '原因', stopped: '停用待修',
  },
  en: {
    of: 'Equipment', system: 'System', lift: 'Lift', find: 'Name, number or place', make: 'Make 1', sheet: 'QR signs', scan: 'Scan to report a fault', what: 'Tell us what it is', send: 'Send', sent: /Received. Number WX-/, asset: 'Asset', print: 'Print the work sheet', paper: 'Work sheet',
    search: 'Room, name, phone, plate or contract', household: 'Household', form: 'Register a ticket', title: 'Title', register: 'Register', registered: /Registered WX-/, same: 'same asset', stop: 'Take out of use', why: 'Reason', stopped: 'Out of order',
  },
}
const lifts = async (api) => (await api.get(`assets?community_id=${api.meta.communities[0].id}&system=lift&sort=id&limit=9`)).body.items

for (const lang of ['zh', 'en']) {
  const w = WORDS[lang]
  test(`an asset’s sign, scanned without a login, is a ticket that names the asset (${lang})`, async ({ windows, noise }) => {
    noise.expected.push(/public\/places\/\S+/)
    const [manager, desk] = await Promise.all(['manager', 'desk'].map((l) => server.as(l)))
    const lift = (await lifts(manager))[lang === 'zh' ? 2 : 3]
    const page = await enter(windows, server, 'manager', '/qr-signs', { lang })
    await page.getByRole('radio', { name: w.of }).check()
    await page.getByLabel(w.system).selectOption({ label: w.lift })
    await page.getByLabel(w.find).last().fill(lift.name)
    await page.keyboard.press('Enter')
    const boxes = page.getByRole('group', { name: w.find }).getByRole('checkbox')
    await expect(boxes).toHaveCount(2) // all, and this one
    await boxes.last().check()
    await page.getByRole('button', { name: w.make }).click()
    const sign = page.getByRole('list', { name: w.sheet }).getByRole('listitem')
    await expect(sign).toContainText([lift.name])
    await expect(sign).toContainText([lift.code])
    await expect(sign).toContainText([w.scan])
    await sign.scrollIntoViewIfNeeded()
    await page.screenshot({ path: `build/e2e/looks/asset-sheet-${lang}.png`, fullPage: true })
    const address = await sign.getByRole('img').getAttribute('aria-label')

    const context = await windows.open(server.url, { viewport: PHONE, isMobile: true, hasTouch: true, lang })
    const own = await context.newPage()
    await own.goto(address)
    await expect(own.getByText(lift.name, { exact: true })).toBeVisible()
    await expect(own.getByText(`${lift.code} · `)).toBeVisible()
    if (lang === 'zh') await looks(own, 'asset-sign')
    await own.setViewportSize(PHONE)
    await own.getByLabel(w.what).fill(lang === 'zh' ? '轿厢里一股焦味' : 'It smells burnt inside')
    await own.getByRole('button', { name: w.send }).click()
    await expect(own.getByRole('heading', { name: w.sent })).toBeFocused()

    const [t] = (await desk.get(`tickets?asset_id=${lift.id}&limit=1`)).body.items
    expect([t.channel ?? (await desk.get(`tickets/${t.id}`)).body.channel, t.space_id]).toEqual(['qr', lift.space_id])
    const own_desk = await enter(windows, server, 'desk', `/tickets/${t.id}`, { lang })
    const facts = own_desk.getByRole('complementary')
    await expect(facts.getByRole('term').filter({ hasText: new RegExp(`^${w.asset}$`) })).toBeVisible()
    await expect(facts.getByRole('link', { name: lift.name, exact: true })).toBeVisible()
    if (lang === 'zh') await looks(own_desk, 'asset-ticket')
    else {
      await own_desk.getByRole('link', { name: w.print }).click()
      await expect(own_desk.getByRole('article', { name: w.paper }).getByText(lift.name, { exact: true })).toBeVisible()
      await own_desk.screenshot({ path: 'build/e2e/looks/asset-sheet-work.png' })
      await own_desk.goBack()
    }
    await facts.getByRole('link', { name: lift.name, exact: true }).click()
    await expect(own_desk.getByRole('heading', { level: 2, name: lift.name })).toBeVisible()
  })

  test(`the desk chooses the lift of the caller’s house by keyboard; who tells it again is told so (${lang})`, async ({ windows }) => {
    const manager = await server.as('manager')
    const community = manager.meta.communities[0].id
    const lift = (await lifts(manager))[lang === 'zh' ? 0 : 1]
    const entrance = (await manager.get(`spaces/${lift.space_id}`)).body
    const homes = (await manager.get(`spaces?community_id=${community}&kind=unit&q=${encodeURIComponent(entrance.path_name)}&sort=id&limit=2`)).body.items
    for (const [i, home] of homes.entries()) {
      const page = await enter(windows, server, 'desk', '/desk', { lang })
      await page.getByRole('combobox', { name: w.search }).fill(home.code)
      await expect(page.getByRole('option').first()).toBeVisible()
      await page.keyboard.press('Enter')
      await expect(page.getByRole('region', { name: w.household, exact: true })).toBeVisible()
      const form = page.getByRole('form', { name: w.form })
      await expect(form.getByLabel(w.title)).toBeFocused()
      await form.getByLabel(w.title).fill(lang === 'zh' ? `轿厢抖动${i}` : `It shakes ${i}`)
      const box = form.getByRole('combobox', { name: w.asset, exact: true })
      await expect(box.getByRole('option', { name: lift.name })).toBeAttached()
      await box.focus()
      for (let k = 0; k < 20 && (await box.inputValue()) !== String(lift.id); k++) await page.keyboard.press('ArrowDown')
      await expect(box).toHaveValue(String(lift.id))
      if (i) await expect(form.getByRole('status').filter({ hasText: w.same })).toBeVisible()
      await page.screenshot({ path: `build/e2e/looks/asset-register-${lang}-${i}.png` })
      await form.getByRole('button', { name: w.register, exact: true }).click()
      await expect(page.getByText(w.registered).first()).toBeVisible()
    }
    const told = (await manager.get(`tickets?asset_id=${lift.id}&limit=2&channel=phone`)).body.items
    expect(told.map((t) => t.space_id).sort()).toEqual(homes.map((h) => h.id).sort())
  })

  test(`a machine is taken out of use with its reason, in the ledger (${lang})`, async ({ windows }) => {
    const manager = await server.as('manager')
    const [pump] = (await manager.get(`assets?community_id=${manager.meta.communities[0].id}&system=water&state=in_use&limit=1`)).body.items
    const page = await enter(windows, server, 'manager', `/r/assets?peek=${pump.id}`, { lang })
    const record = page.getByRole('complementary').filter({ hasText: pump.code })
    await record.getByRole('button', { name: w.stop, exact: true }).click()
    const box = page.getByRole('dialog')
    await box.getByLabel(w.why).fill('轴承异响')
    await box.getByRole('button', { name: w.stop, exact: true }).click()
    await expect(record.getByText(w.stopped).first()).toBeVisible()
    await expect(record.getByText('轴承异响')).toBeVisible()
    if (lang === 'zh') await looks(page, 'asset-ledger')
  })
}

test('a worker reads on his task which machine it is', async ({ windows }) => {
  const [manager, dispatcher, worker] = await Promise.all(['manager', 'dispatcher', 'worker1'].map((l) => server.as(l)))
  const [gate] = (await manager.get(`assets?community_id=${manager.meta.communities[0].id}&system=parking&limit=1`)).body.items
  const t = (await manager.post('tickets', { community_id: gate.community_id, kind: 'repair', channel: 'phone', title: '道闸不抬杆', asset_id: gate.id })).body
  await manager.post(`tickets/${t.id}/actions/accept`, {})
  expect((await dispatcher.post(`tickets/${t.id}/actions/dispatch`, { assignee_id: worker.meta.me.staff_id, reason: '就近' })).status).toBe(200)
  const page = await phone(windows, server, 'worker1', `/m/task/${t.id}`)
  await expect(page.getByText(gate.name, { exact: true })).toBeVisible()
  await page.screenshot({ path: 'build/e2e/looks/asset-task.png' })
})
