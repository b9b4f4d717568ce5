// circle.spec.mjs - loops that close in the browser, in both languages: responsibility that changes hands only when it is taken,
// what belongs together, the customer asked again, and what the figures stand on.
import { enter, expect, phone, serverFor, test } from './lib.mjs'

const server = serverFor(test)
const WORDS = {
  zh: {
    hand_over: '移交', to: '接手人', reason: '原因', take: '接手', vouch: '首问确认', grab: '抢单', merge: '合并', into: '合并到', merged: '已合并', split: '拆分', visits: '回访', record: '登记回访', mark: '评分',
    made: '已回访', title: '闭环检查', measures: '及时、准确、完整', missed: /^未达到的/, missed_title: /未达到的工单$/, feedback: '评价与回访', quality: '资料待完善', large: '大字版', me: '我的', links: '关联工单', add: '关联一张工单', other: '另一工单', related: '相关', told: '客户说',
  },
  en: {
    hand_over: 'Hand over', to: 'Who takes over', reason: 'Reason', take: 'Take over', vouch: 'Vouch for it', grab: 'Grab', merge: 'Merge', into: 'Merge into', merged: 'Merged', split: 'Split off', visits: 'Return visits', record: 'Record the visit',
    mark: 'Mark', made: 'Made', title: 'Closed loops', measures: 'In time, accurate, complete', missed: /missed$/, missed_title: /the tickets that missed it$/, feedback: 'Feedback', quality: 'Records to mend', large: 'Large text', me: 'Me', links: 'Related tickets',
    add: 'Link a ticket', other: 'Other ticket', related: 'Related', told: 'said',
  },
}
const ok = (reply, status = 200) => (expect(reply.status, JSON.stringify(reply.body)).toBe(status), reply.body)
async function register(fields) {
  const desk = await server.as('desk')
  return ok(await desk.post('tickets', { community_id: desk.meta.communities[0].id, kind: 'repair', channel: 'phone', title: '走廊灯不亮', ...fields }), 201)
}
async function act(login, t, action, input = {}) {
  return ok(await (await server.as(login)).post(`tickets/${t.id}/actions/${action}`, input))
}
async function pick(scope, label, text) {
  const box = scope.getByRole('combobox', { name: label })
  await box.fill(text)
  await scope.getByRole('option', { name: text }).first().click()
}

for (const lang of ['zh', 'en']) {
  const w = WORDS[lang]
  const open = { lang }

  test(`a free order is grabbed, handed over, taken, and vouched for (${lang})`, async ({ windows }) => {
    const title = lang === 'zh' ? '楼道灯闪烁' : 'Corridor lamp flickers'
    let t = await register({ title })
    await act('desk', t, 'accept')
    const one = await phone(windows, server, 'worker1', `/m/task/${t.id}`, open)
    await one.getByRole('button', { name: w.grab, exact: true }).click()
    await expect.poll(async () => (await (await server.as('desk')).get(`tickets/${t.id}`)).body.state).toBe('dispatched')
    await act('worker1', t, 'start')
    await one.reload()
    const second = (await server.as('worker2')).meta.me
    await one.getByRole('button', { name: w.hand_over, exact: true }).click()
    const form = one.getByRole('dialog')
    await pick(form, w.to, second.name)
    await form.getByLabel(w.reason).fill('去开会')
    await form.getByRole('button', { name: w.hand_over, exact: true }).click()
    await expect(form).toBeHidden()
    expect((await (await server.as('desk')).get(`tickets/${t.id}`)).body.assignee_id, 'still his').not.toBe(second.staff_id)

    await one.close() // it is not his to see from here on
    const two = await phone(windows, server, 'worker2', `/m/task/${t.id}`, open)
    await two.getByRole('button', { name: w.take, exact: true }).click()
    await expect.poll(async () => (await (await server.as('desk')).get(`tickets/${t.id}`)).body.assignee_id).toBe(second.staff_id)
    await act('worker2', t, 'finish', { result: '换了灯管' })
    t = await act('desk', t, 'inform', { channel: 'phone', note: '修好了' })
    const desk = await enter(windows, server, 'desk', `/tickets/${t.id}`, open)
    await desk.getByRole('button', { name: w.vouch, exact: true }).click()
    await expect.poll(async () => (await (await server.as('desk')).get(`tickets/${t.id}`)).body.vouched_at).toBeTruthy()
  })

  test(`a duplicate is merged and split off again; two that belong together are linked (${lang})`, async ({ windows }) => {
    const name = lang === 'zh' ? '花园喷泉不转' : 'Fountain does not turn'
    const first = await register({ title: `${name} 甲` })
    const again = await register({ title: `${name} 乙` })
    const page = await enter(windows, server, 'desk', `/tickets/${again.id}`, open)
    await page.getByRole('button', { name: w.merge, exact: true }).click()
    const form = page.getByRole('dialog')
    await pick(form, w.into, `${name} 甲`)
    await form.getByRole('button', { name: w.merge, exact: true }).click()
    await expect(page.getByRole('article').getByText(w.merged, { exact: true }).first()).toBeVisible()
    await expect(page.getByRole('region', { name: w.links }).getByRole('link', { name: first.code })).toBeVisible()
    await page.getByRole('button', { name: w.split, exact: true }).click()
    await page.getByRole('dialog').getByLabel(w.reason).fill('不是一回事')
    await page.getByRole('dialog').getByRole('button', { name: w.split, exact: true }).click()
    await expect(page.getByRole('article').getByText(w.merged, { exact: true })).toHaveCount(0)
    await page.getByRole('button', { name: w.add }).click()
    await pick(page.getByRole('dialog'), w.other, `${name} 甲`)
    await page.getByRole('dialog').getByRole('radio', { name: w.related, exact: true }).check()
    await page.getByRole('dialog').getByRole('button', { name: w.add }).click()
    await expect(page.getByRole('region', { name: w.links }).getByRole('link', { name: first.code })).toBeVisible()
  })

  test(`after a complaint the customer is asked again, and what he said is at his home (${lang})`, async ({ windows }) => {
    const home = (await (await server.as('resident1')).get('me/spaces')).body.items[0]
    const person = (await server.as('resident1')).meta.me.person_id
    let t = await register({ kind: 'complaint', title: lang === 'zh' ? '保洁太早吵人' : 'Cleaning too early', person_id: person, space_id: home.space_id })
    await act('desk', t, 'accept')
    const two = (await server.as('worker2')).meta.me
    await act('dispatcher', t, 'dispatch', { assignee_id: two.staff_id, reason: '负责保洁' })
    await act('worker2', t, 'start')
    await act('worker2', t, 'finish', { result: '改到八点后' })
    await act('desk', t, 'inform', { channel: 'phone', note: '已改时间' })
    t = await act('desk', t, 'confirm')
    const page = await enter(windows, server, 'desk', `/tickets/${t.id}`, open)
    const visits = page.getByRole('region', { name: w.visits })
    await visits.getByRole('button', { name: w.visits }).click()
    await visits.getByRole('button', { name: w.record }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel(w.mark).fill('4')
    await form.getByRole('button', { name: w.record }).click()
    await expect(visits.getByText(w.made, { exact: true })).toBeVisible()
    await page.goto(`/households/${home.space_id}`)
    await page.getByRole('tab', { name: w.feedback }).click()
    await expect(page.getByRole('tabpanel').getByRole('link', { name: t.code })).toBeVisible()
  })

  test(`figures open the tickets behind them; what is missing is listed; the large text is larger (${lang})`, async ({ windows }) => {
    const page = await enter(windows, server, 'manager', '/loops', open)
    await expect(page.getByRole('heading', { name: w.title })).toBeVisible()
    const measures = page.getByRole('region', { name: w.measures })
    const button = measures.getByRole('button', { name: w.missed }).first()
    const n = Number((await button.textContent()).match(/\d+/)[0])
    await button.click()
    const list = measures.getByRole('region', { name: w.missed_title }).getByRole('link')
    await expect(list).toHaveCount(Math.min(n, 200))
    await list.first().click()
    await expect(page).toHaveURL(/\/tickets\/\d+/)
    await page.goto('/quality')
    await expect(page.getByRole('heading', { name: w.quality })).toBeVisible()
    await expect(page.getByRole('main').getByRole('link').first()).toBeVisible()
    const resident = await phone(windows, server, 'resident1', '/m/me', open)
    const size = () => resident.evaluate(() => parseFloat(getComputedStyle(document.body).fontSize))
    const before = await size()
    await resident.getByRole('switch', { name: w.large }).click()
    expect(await size()).toBeGreaterThan(before)
  })
}
