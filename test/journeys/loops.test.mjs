// Closed loops over HTTP: measures and the tickets behind them, orphans, first contacts, handovers; a household's feedback;
// records to mend. And who may not see them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { act, expect, openHouse } from '../lib/house.mjs'

let house, desk, manager, resident, cm
before(async () => {
  house = await openHouse()
  ;[desk, manager, resident] = await Promise.all(['desk', 'manager', 'resident1'].map(house.as))
  cm = house.community
})
after(() => house?.stop())

const day = (n) => new Date(Date.now() + 8 * 3_600_000 + n * 86_400_000).toISOString().slice(0, 10)
const period = (more = '') => `community_id=${cm}&from=${day(-90)}&to=${day(0)}${more}`
const RATING = { content: 5, attitude: 5, efficiency: 5, experience: 5 }

test('each measure is the closed tickets less those it lists', async () => {
  const m = expect(await manager.get(`service/measures?${period()}`), 200)
  assert.ok(m.all.closed > 5)
  for (const measure of ['timely', 'accurate', 'complete']) {
    assert.equal(m.kinds.reduce((n, k) => n + k[measure], 0), m.all[measure])
    const missed = expect(await manager.get(`service/missed?${period(`&measure=${measure}`)}`), 200)
    assert.equal(missed.more, false)
    assert.equal(missed.items.length, m.all.closed - m.all[measure], measure)
  }
  expect(await manager.get(`service/missed?${period('&measure=cheap')}`), 422)
  expect(await manager.get(`service/measures?community_id=${cm}&from=2026-02-01&to=2026-01-01`), 422)
  expect(await manager.get(`service/measures?community_id=${cm}&from=2020-01-01&to=2026-01-01`), 422)
  expect(await manager.get(`service/measures?community_id=${cm}&from=2026-02-30&to=2026-03-01`), 422)
})

test('one more ticket that was returned is counted as incomplete, and listed', async () => {
  const before = expect(await manager.get(`service/measures?${period()}`), 200).all
  const t = await house.ticketIn('informed')
  expect(await desk.post(`tickets/${t.id}/actions/return`, { reason: '还在漏' }), 200)
  const worker = await house.as('worker1')
  const me = worker.meta?.me?.staff_id ?? expect(await worker.get('meta'), 200).me.staff_id
  const dispatcher = await house.as('dispatcher')
  expect(await dispatcher.post(`tickets/${t.id}/actions/dispatch`, { assignee_id: me, reason: '再去一次' }), 200)
  expect(await worker.post(`tickets/${t.id}/actions/start`, {}), 200)
  expect(await worker.post(`tickets/${t.id}/actions/finish`, { result: '换了阀门' }), 200)
  expect(await desk.post(`tickets/${t.id}/actions/inform`, { channel: 'phone', note: '修好了' }), 200)
  expect(await desk.post(`tickets/${t.id}/actions/confirm`, {}), 200)
  const now = expect(await manager.get(`service/measures?${period()}`), 200).all
  assert.equal(now.closed, before.closed + 1)
  assert.equal(now.complete, before.complete)
  const missed = expect(await manager.get(`service/missed?${period('&measure=complete')}`), 200)
  assert.equal(missed.items[0].ticket_id, t.id)
})

test('a low mark opens a follow-up that the household page shows when it was made', async () => {
  const t = await house.ticketIn('informed')
  expect(await resident.post(`tickets/${t.id}/rating`, { ...RATING, attitude: 2, comment: '态度不好' }), 201)
  const seen = expect(await desk.get(`tickets/${t.id}`), 200)
  const follow = seen.visits.find((v) => v.why === 'low_score')
  assert.equal(follow.state, 'open')
  assert.deepEqual(expect(await resident.get(`tickets/${t.id}`), 200).visits, []) // staff's business
  expect(await resident.get(`return-visits/${follow.id}`), 403)
  expect(await desk.post(`return-visits/${follow.id}/actions/reach`, { score: 6 }), 422)
  expect(await desk.post(`return-visits/${follow.id}/actions/reach`, { score: 4, comment: '已当面道歉' }), 200)
  const said = expect(await desk.get(`desk/feedback?space_id=${seen.space_id}`), 200).items.filter((s) => s.ticket_id === t.id)
  assert.deepEqual(said.map((s) => [s.from, s.tenths]).sort(), [['rating', 42], ['visit', 40]])
  expect(await resident.get(`desk/feedback?space_id=${seen.space_id}`), 403)
})

test('who reported it too hears the end of it, and nothing of the other customer', async () => {
  const first = await house.ticketIn('in_progress')
  const home = house.resident2
  const again = expect(await desk.post('tickets', { community_id: cm, kind: 'repair', title: '楼下也在漏', channel: 'phone', person_id: home.person_id }), 201)
  expect(await desk.post(`tickets/${again.id}/actions/merge`, { merged_into_id: first.id }), 200)
  const second = await house.as('resident2')
  const mine = expect(await second.get(`tickets/${again.id}`), 200)
  assert.equal(mine.state, 'merged')
  assert.deepEqual([mine.merged_into_id, mine.links], [undefined, []])
  assert.doesNotMatch(JSON.stringify(mine), new RegExp(String(first.id)))
  const list = expect(await second.get('tickets?limit=100&refs=1'), 200)
  assert.equal(list.refs.tickets, undefined)
  expect(await second.get(`tickets/${first.id}`), 404)
  const seen = expect(await desk.get(`tickets/${first.id}`), 200)
  assert.ok(seen.links.some((l) => l.id === again.id && l.link === 'merged'))
})

test('handovers and first contacts are counted by person', async () => {
  const t = await house.ticketIn('dispatched')
  const staff = expect(await manager.get(`staff?community_id=${cm}&limit=100`), 200).items
  const [giver, taker] = [await house.as('worker1'), await house.as('worker2')]
  const id_of = async (c) => expect(await c.get('meta'), 200).me.staff_id
  const [from, to] = [await id_of(giver), await id_of(taker)]
  assert.ok(staff.some((s) => s.id === to))
  const now = expect(await manager.get(`tickets/${t.id}`), 200)
  const mine = now.assignee_id === from ? [giver, taker, to] : [taker, giver, from]
  expect(await mine[0].post(`tickets/${t.id}/actions/hand_over`, { handover_to_id: mine[2], reason: '换班' }), 200)
  assert.ok(expect(await mine[1].get(`tickets?community_id=${cm}&limit=100`), 200).items.some((x) => x.id === t.id), 'who is asked sees it')
  expect(await mine[1].post(`tickets/${t.id}/actions/refuse_handover`, { reason: '手上有急单' }), 200)
  expect(await mine[1].get(`tickets/${t.id}`), 403)
  const hands = expect(await manager.get(`service/handovers?${period()}`), 200).items
  const row = hands.find((r) => r.staff_id === mine[2])
  assert.ok(row.refused >= 1 && row.asked >= 1)
  const firsts = expect(await manager.get(`service/first-contacts?${period()}`), 200).items
  for (const f of firsts) assert.ok(f.taken >= f.closed + f.open && f.taken >= f.late)
})

test('what nobody looks after, and records to mend', async () => {
  assert.deepEqual(expect(await manager.get(`service/orphans?community_id=${cm}`), 200), { items: [], more: false })
  const before = expect(await manager.get(`people/quality?community_id=${cm}`), 200).groups
  assert.ok(before.every((g) => g.items.length <= 100 && g.text))
  const building = expect(await manager.post('spaces', { community_id: cm, kind: 'building', name: '99栋' }), 201)
  const unit = expect(await manager.post('spaces', { community_id: cm, kind: 'unit', parent_id: building.id, name: '9901', code: '99-9901' }), 201)
  const groups = expect(await manager.get(`people/quality?community_id=${cm}`), 200).groups
  for (const what of ['no_area', 'no_people']) {
    const items = groups.find((g) => g.what === what).items
    assert.ok(items.length >= 100 || items.some((i) => i.id === unit.id), what)
  }
})

test('what was told already is proposed, with the reasons, and not what another house has', async () => {
  const add = (kind, name, parent) => manager.post('spaces', { community_id: cm, kind, name, ...(parent ? { parent_id: parent.id } : {}) }).then((r) => expect(r, 201))
  const [a, b] = [await add('building', '71栋'), await add('building', '72栋')]
  const [a1, a2, b1] = [await add('unit', '101', a), await add('unit', '102', a), await add('unit', '101', b)]
  const square = await add('area', '喷泉广场')
  const categories = expect(await desk.get(`categories?community_id=${cm}&limit=3&kind=repair&place=common`), 200).items
  const told = (space, title, category) => desk.post('tickets', { community_id: cm, kind: 'repair', channel: 'phone', title, space_id: space.id, category_id: category?.id }).then((r) => expect(r, 201))
  const lift = await told(a1, '电梯停在三楼打不开门', categories[0])
  const ask = async (query) => expect(await desk.get(`desk/alike?community_id=${cm}&${new URLSearchParams(query)}`), 200).items.map((x) => [x.id, x.why])
  const of = (items, t) => items.find(([id]) => id === t.id)?.[1]
  assert.deepEqual(of(await ask({ space_id: a1.id }), lift), ['place'])
  assert.deepEqual(of(await ask({ space_id: a2.id, category_id: categories[0].id }), lift), ['building', 'category'])
  assert.deepEqual(of(await ask({ space_id: a2.id, text: '电梯停在三楼' }), lift), ['building', 'words'])
  assert.equal(of(await ask({ space_id: a2.id, text: '厨房水管漏水' }), lift), undefined)
  assert.equal(of(await ask({ space_id: b1.id, category_id: categories[0].id, text: '电梯停在三楼打不开门' }), lift), undefined, 'another house')
  assert.deepEqual(of(await ask({ category_id: categories[0].id, text: '电梯停在三楼' }), lift), ['category', 'words'])
  const fountain = await told(square, '喷泉不出水了', categories[1])
  assert.deepEqual(of(await ask({ space_id: b1.id, category_id: categories[1].id, text: '广场喷泉不出水' }), fountain), ['category', 'words'], 'what everybody shares')
  expect(await desk.post(`tickets/${lift.id}/actions/cancel`, { reason: '已好' }), 200)
  assert.equal(of(await ask({ space_id: a1.id }), lift), undefined, 'no longer open')
  assert.ok((await ask({ text: '水'.repeat(200) })).length <= 5)
  expect(await desk.get(`desk/alike?community_id=${cm}&space_id=x`), 422)
  expect(await resident.get(`desk/alike?community_id=${cm}&text=电梯`), 403)
  expect(await (await house.as('manager-b')).get(`desk/alike?community_id=${cm}&text=电梯`), 404)
})

test('who watches a ticket: staff who see it, each for himself; the first contact always; a list of one’s own', async () => {
  const [dispatcher, worker, other] = await Promise.all(['dispatcher', 'worker1', 'manager-b'].map(house.as))
  const id_of = async (who) => expect(await who.get('meta'), 200).me.staff_id
  const t = await house.register(desk, { person_id: house.resident1.person_id })
  const watch = (who, watching = true) => who.post(`tickets/${t.id}/watch`, { watching })
  const mine = async (who) => expect(await who.get(`tickets?community_id=${cm}&mine=1&limit=100`), 200).items.map((x) => x.id)
  const watched_by = async (who) => expect(await who.get(`ticket-watches?community_id=${cm}&ticket_id=${t.id}`), 200).items.map((x) => x.staff_id)
  assert.ok((await mine(desk)).includes(t.id), 'the first contact watches without a row')
  expect(await watch(desk, false), 409, 'state')
  assert.ok(!(await mine(dispatcher)).includes(t.id))
  for (let twice = 0; twice < 2; twice++) expect(await watch(dispatcher), 200)
  assert.deepEqual(await watched_by(manager), [await id_of(dispatcher)])
  assert.ok((await mine(dispatcher)).includes(t.id))
  assert.ok(expect(await dispatcher.get(`tickets?community_id=${cm}&mine=1&state=received&limit=100`), 200).items.some((x) => x.id === t.id), 'with another filter')
  assert.equal(expect(await dispatcher.get(`tickets?community_id=${cm}&mine=0&limit=1`), 200).items.length, 1)
  expect(await dispatcher.get(`tickets?community_id=${cm}&mine=2`), 422)
  // who may not see it may not watch it, and sees nothing by having watched it
  expect(await watch(resident), 403)
  expect(await watch(other), 404)
  expect(await watch(worker), 403)
  expect(await resident.get(`tickets?community_id=${cm}&mine=1`), 422)
  expect(await resident.get(`ticket-watches?community_id=${cm}`), 404)
  expect(await desk.get(`staff?community_id=${cm}&mine=1`), 422)
  const at = await act(dispatcher, await act(desk, t, 'accept'), 'dispatch', { assignee_id: await id_of(worker), reason: '就近' })
  expect(await watch(worker), 200)
  assert.deepEqual(await watched_by(worker), [await id_of(worker)], 'a worker reads of his own watches only')
  await act(dispatcher, at, 'dispatch', { assignee_id: await id_of(await house.as('worker2')), reason: '换人' })
  assert.ok(!(await mine(worker)).includes(t.id))
  expect(await worker.get(`tickets/${t.id}`), 403)
  expect(await watch(dispatcher, false), 200)
  assert.ok(!(await mine(dispatcher)).includes(t.id))
  expect(await desk.post('ticket-watches', { community_id: cm, ticket_id: t.id }), 405) // nobody is made to watch
})

test('where each order of a worker is, house by house', async () => {
  const worker = await house.as('worker1')
  const items = expect(await worker.get(`me/stops?community_id=${cm}`), 200).items
  assert.ok(items.length && items.every((s) => /栋/.test(s.stop)))
  assert.equal(new Set(items.map((s) => s.space_id)).size, items.length)
  expect(await desk.get(`me/stops?community_id=${cm}`), 403)
  expect(await resident.get(`me/stops?community_id=${cm}`), 403)
})

test('not for residents, cashiers or another community', async () => {
  const other = await house.as('manager-b')
  const cashier = await house.as('cashier')
  for (const path of ['measures', 'first-contacts', 'handovers']) {
    expect(await resident.get(`service/${path}?${period()}`), 403)
    expect(await cashier.get(`service/${path}?${period()}`), 403)
    expect(await other.get(`service/${path}?${period()}`), 404)
  }
  expect(await other.get(`service/orphans?community_id=${cm}`), 404)
  expect(await other.get(`people/quality?community_id=${cm}`), 404)
  expect(await resident.get(`people/quality?community_id=${cm}`), 403)
})
