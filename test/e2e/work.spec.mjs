// work.spec.mjs - the work itself: steps are ticked on the phone, with a network and without, materials and charges are
// noted; the desk sees both and puts one right, the customer sees what he is to pay.
import { enter, expect, looks, phone, serverFor, test } from './lib.mjs'

const server = serverFor(test)
const made = (reply, status = 200) => {
  expect(reply.status, JSON.stringify(reply.body)).toBe(status)
  return reply.body
}

/* A dripping tap at resident1's, at work. */
async function task() {
  const [desk, dispatcher, worker, resident] = await Promise.all(['desk', 'dispatcher', 'worker1', 'resident1'].map((n) => server.as(n)))
  const community_id = desk.meta.communities[0].id
  const category = made(await desk.get(`categories?community_id=${community_id}&q=${encodeURIComponent('水龙头漏水')}`)).items[0]
  const stays = made(await desk.get(`occupancies?community_id=${community_id}&person_id=${resident.meta.me.person_id}&limit=20`)).items
  const places = await Promise.all(stays.map(async (o) => made(await desk.get(`spaces/${o.space_id}`))))
  const home = { space_id: places.find((p) => p.kind === 'unit').id }
  const t = made(await desk.post('tickets', { community_id, kind: 'repair', title: '厨房水龙头滴水', channel: 'phone', category_id: category.id, person_id: resident.meta.me.person_id, space_id: home.space_id }), 201)
  made(await desk.post(`tickets/${t.id}/actions/accept`, {}))
  made(await dispatcher.post(`tickets/${t.id}/actions/dispatch`, { assignee_id: worker.meta.me.staff_id, reason: '就近' }))
  made(await worker.post(`tickets/${t.id}/actions/start`, {}))
  return { id: t.id, worker }
}

test('steps and items on the phone, also without a network; the desk puts one right; the customer sees his', async ({ windows, noise }) => {
  noise.expected.push(/ERR_INTERNET_DISCONNECTED|Failed to load resource/)
  const { id, worker } = await task()
  const page = await phone(windows, server, 'worker1', `/m/task/${id}`)
  const steps = page.getByRole('region', { name: '处理步骤' })
  const items = page.getByRole('region', { name: '用料与收费' })
  await steps.getByRole('checkbox').first().check()
  await expect(steps.getByText(/^1\/\d 步$/)).toBeVisible()
  await steps.getByRole('button', { name: /^不适用/ }).first().click()
  const why = page.getByRole('dialog')
  await why.getByRole('button', { name: '不适用' }).click()
  await expect(why.getByRole('alert')).toBeVisible()
  await why.getByLabel('原因').fill('业主已关总阀')
  await why.getByRole('button', { name: '不适用' }).click()
  await expect(steps.getByText('不适用: 业主已关总阀')).toBeVisible()

  await items.getByRole('button', { name: '加一项' }).click()
  const form = page.getByRole('dialog', { name: '加一项' })
  await form.getByLabel('价目表').selectOption({ label: '更换水龙头阀芯 · ¥35.00/次' })
  await form.getByRole('button', { name: '保存' }).click()
  await expect(items.getByRole('row', { name: /更换水龙头阀芯.*¥35\.00/ })).toBeVisible()
  await expect(items.getByRole('row', { name: /客户应付.*¥35\.00/ })).toBeVisible()

  await page.context().setOffline(true)
  await steps.getByRole('checkbox').nth(2).click()
  await expect(steps.getByText(/^3\/\d 步$/)).toBeVisible()
  await items.getByRole('button', { name: '加一项' }).click()
  await form.getByLabel('名称').fill('生料带')
  await form.getByLabel('单价').fill('2')
  await form.getByRole('radio', { name: '物业承担' }).check({ force: true })
  await form.getByRole('button', { name: '保存' }).click()
  await expect(items.getByRole('row', { name: /生料带/ })).toBeVisible()
  await page.context().setOffline(false)
  await expect.poll(async () => made(await worker.get(`tickets/${id}`)).items.length, { timeout: 30_000 }).toBe(2)
  const t = made(await worker.get(`tickets/${id}`))
  expect(t.checklist.map((s) => s.state).slice(0, 3)).toEqual(['done', 'skipped', 'done'])
  expect([t.cost, t.payable]).toEqual([3700, 3500])
  await looks(page, 'task-work')

  const desk = await enter(windows, server, 'desk', `/tickets/${id}`)
  const took = desk.getByRole('region', { name: '用料与收费' })
  await expect(desk.getByRole('region', { name: '处理步骤' }).getByText(/^3\/\d 步$/)).toBeVisible()
  await took.getByRole('button', { name: '去掉: 生料带' }).click()
  await desk.getByRole('dialog').getByRole('button', { name: '去掉' }).click()
  await expect(took.getByRole('row', { name: /生料带/ })).toHaveCount(0)
  await looks(desk, 'ticket-work')

  const home = await phone(windows, server, 'resident1', `/m/request/${id}`, { lang: 'en' })
  const own = home.getByRole('region', { name: 'Materials and charges' })
  await expect(own.getByRole('row', { name: /Tap cartridge.*¥35\.00/ })).toBeVisible()
  await expect(own.getByRole('button')).toHaveCount(0)
  await expect(home.getByRole('region', { name: 'Steps of the work' })).toHaveCount(0)
  const seen = made(await (await server.as('resident1')).get(`tickets/${id}`))
  expect([seen.checklist, seen.items.map((i) => i.payer), seen.cost]).toEqual([[], ['customer'], undefined])
})
