// dispatch.test.mjs - who should go and why, point by point; the system sends the best or whose turn it is; when nobody is fit the
// manager hears of it at once and the order stays where it is.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { act, expect, faults, openHouse, patient } from '../lib/house.mjs'

let house, cm, desk, dispatcher, manager, home, skill, category
const crew = []
const made = async (who, path, body) => expect(await who.post(path, { community_id: cm, ...body }), 201)
before(async () => {
  house = await openHouse()
  ;[desk, dispatcher, manager] = (await Promise.all(['desk', 'dispatcher', 'manager'].map((l) => house.as(l)))).map(patient)
  cm = house.community
  home = house.resident1.space_id
  // Three workers of a trade of their own, so that nobody else is fit: two on duty, one at home.
  skill = await made(manager, 'skills', { name: '钟表' })
  category = await made(manager, 'categories', { name: '钟楼·停摆', kind: 'repair', place: 'common', group_name: '钟楼', problem: '停摆', skill_id: skill.id })
  const hour = 3_600_000
  for (const [name, on] of [['甲师傅', true], ['乙师傅', true], ['丙师傅', false]]) {
    const s = await made(manager, 'staff', { name, takes_orders: true })
    await made(manager, 'staff-skills', { staff_id: s.id, skill_id: skill.id })
    if (on) await made(manager, 'shifts', { staff_id: s.id, starts_at: new Date(Date.now() - hour).toISOString(), ends_at: new Date(Date.now() + 8 * hour).toISOString() })
    crew.push(s)
  }
})
after(() => house.stop())

const order = async (fields = {}) => act(desk, await made(desk, 'tickets', { kind: 'repair', title: '钟不走了', channel: 'phone', category_id: category.id, space_id: home, ...fields }), 'accept')
const seen = async (t) => expect(await dispatcher.get(`tickets/${t.id}/candidates`, { 'accept-language': 'en' }), 200).items
const auto = (t, mode, who = dispatcher) => who.post(`tickets/${t.id}/auto-dispatch`, { mode })
const points = (w) => Object.fromEntries(w.why.map((r) => [r.text, r.points]))

test('every point has its reason; whoever is off duty or lacks the skill comes last', async () => {
  const t = await order()
  let list = await seen(t)
  assert.deepEqual(list.slice(0, 2).map((w) => [w.name, w.score, w.suggested, w.certified]), [['甲师傅', 60, true, true], ['乙师傅', 60, false, true]])
  const third = list.find((w) => w.name === '丙师傅')
  assert.deepEqual([third.on_duty, points(third)], [false, { 'off duty': 0 }])
  assert.ok(list.filter((w) => !crew.some((s) => s.id === w.staff_id)).every((w) => !w.has_skill && 'lacks the skill' in points(w)))
  const building = expect(await manager.get(`spaces/${home}`), 200)
  await made(manager, 'staff-zones', { staff_id: crew[1].id, space_id: building.parent_id })
  list = await seen(t)
  assert.deepEqual([list[0].name, list[0].score, points(list[0])], ['乙师傅', 80, { 'this is his zone': 20 }])
  await act(dispatcher, t, 'dispatch', { assignee_id: crew[1].id })
  const next = await seen(await order())
  assert.deepEqual(next.slice(0, 2).map((w) => [w.name, w.score, points(w)]), [['乙师傅', 68, { 'this is his zone': 20, '1 orders in hand': -12 }], ['甲师傅', 60, {}]])
})

test('the system sends the best, says why, and nothing twice', async () => {
  const t = await order({ space_id: undefined })
  const sent = expect(await auto(t, 'smart'), 200)
  assert.deepEqual([sent.dispatched, sent.escalated, sent.staff_id, sent.ticket.state, sent.ticket.assignee_id], [true, false, crew[0].id, 'dispatched', crew[0].id])
  expect(await auto(t, 'smart'), 409, 'state')
  assert.ok(expect(await desk.get(`tickets/${t.id}/timeline`), 200).items.some((i) => i.action === 'dispatch' && /智能派单|Best fit/.test(i.comment)))
  expect(await auto(await order(), 'smart', desk), 403)
  assert.deepEqual(faults(await auto(await order({ category_id: undefined }), 'smart')), { category_id: 'required' }) // everybody would be fit
  assert.deepEqual(faults(await auto(await order(), 'lottery')), { mode: 'choice' })
})

test('nobody grabs what he lacks the skill for', async () => {
  const t = await order()
  const worker = patient(await house.as('worker1'))
  assert.deepEqual(faults(await worker.post(`tickets/${t.id}/actions/grab`, { version: t.version })), { assignee_id: 'no_skill' })
})

test('in turn: each once before anybody twice, the absent are passed over', async () => {
  const got = []
  for (let i = 0; i < 6; i++) got.push(expect(await auto(await order(), 'turn'), 200).staff_id)
  for (let i = 0; i < 6; i += 2) assert.deepEqual(new Set(got.slice(i, i + 2)), new Set([crew[0].id, crew[1].id]))
  assert.ok(!got.includes(crew[2].id))
})

test('T-103: nobody is fit: the manager is told once, the order waits in sight', async () => {
  const rare = await made(manager, 'skills', { name: '钟表绝活' })
  const needs = await made(manager, 'categories', { name: '钟楼·大修', kind: 'repair', place: 'common', group_name: '钟楼', problem: '大修', skill_id: rare.id })
  const t = await order({ category_id: needs.id })
  for (let i = 0; i < 2; i++) {
    const r = expect(await auto(t, 'smart'), 200)
    assert.deepEqual([r.dispatched, r.escalated, r.staff_id, r.ticket.state], [false, true, null, 'accepted'])
  }
  const told = expect(await manager.get(`escalations?community_id=${cm}&ticket_id=${t.id}`), 200).items
  assert.deepEqual(told.map((e) => [e.level, e.percent]), [['manager', 0]])
  assert.ok(told[0].staff_id)
})

test('T-104: a certificate that ran out, or none, keeps a worker from where one is needed', async () => {
  expect(await manager.patch(`skills/${skill.id}`, { needs_certificate: true }, skill.version), 200)
  const t = await order()
  assert.deepEqual((await seen(t)).filter((w) => w.certified).length, 0)
  assert.deepEqual(faults(await dispatcher.post(`tickets/${t.id}/actions/dispatch`, { assignee_id: crew[0].id, reason: '只有他' })), { assignee_id: 'certificate' })
  assert.equal(expect(await auto(t, 'smart'), 200).escalated, true)
  const own = expect(await manager.get(`staff-skills?community_id=${cm}&staff_id=${crew[0].id}`), 200).items[0]
  expect(await manager.patch(`staff-skills/${own.id}`, { certificate: 'ZB-1', valid_to: '2099-12-31' }, own.version), 200)
  assert.equal(expect(await auto(t, 'smart'), 200).staff_id, crew[0].id)
})
