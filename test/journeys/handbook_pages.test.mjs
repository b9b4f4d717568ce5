// handbook_pages.test.mjs - the handbook drives the process (G3.1): pages with the limits as the policies say them, versions that
// stay as they were, tickets that keep theirs, and who has read what.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { act, expect, faults, openHouse, patient, reveal } from '../lib/house.mjs'

let house, desk, manager, worker, cm
before(async () => {
  house = await openHouse()
  ;[desk, manager, worker] = (await Promise.all(['desk', 'manager', 'worker1'].map((l) => house.as(l)))).map(patient)
  cm = house.community
})
after(() => house.stop())
const list = async (who, query) => expect(await who.get(`handbook-pages?community_id=${cm}&limit=100&${query}`), 200).items
const inForce = async (kind) => (await list(manager, `kind=${kind}&state=in_force`))[0]
const page = async (who, id) => expect(await who.get(`handbook-pages/${id}`), 200)
const toRead = async (who) => expect(await who.get('me/handbook'), 200).items.map((i) => i.page_id)
async function newVersion(kind, change) {
  const draft = expect(await manager.post(`handbook-pages/${(await inForce(kind)).id}/revise`), 201)
  const row = await page(manager, draft.id)
  if (change) expect(await manager.patch(`handbook-pages/${draft.id}`, change, row.version), 200)
  return expect(await manager.post(`handbook-pages/${draft.id}/actions/publish`, {}), 200)
}

test('six pages, each with the four steps; a limit is the policy’s, at this moment', async () => {
  const pages = await list(desk, 'state=in_force')
  assert.deepEqual(pages.map((p) => p.kind).sort(), ['complaint', 'inquiry', 'praise', 'repair', 'safety', 'suggestion'])
  const repair = await page(desk, pages.find((p) => p.kind === 'repair').id)
  assert.deepEqual(repair.steps.map((s) => [s.name, s.name_en, s.clock]), [
    ['接单', 'Accept', 'respond'], ['派单', 'Dispatch', 'handle'], ['执行', 'Execute', 'resolve'], ['反馈', 'Feed back', null]])
  const policy = expect(await manager.get(`sla-policies?community_id=${cm}&kind=repair&priority=P3`), 200).items[0]
  const limit = (p) => p.limits.find((l) => l.priority === 'P3').respond_min
  assert.equal(limit(repair), policy.respond_min)
  expect(await manager.patch(`sla-policies/${policy.id}`, { respond_min: policy.respond_min - 1 }, policy.version), 200)
  assert.equal(limit(await page(desk, repair.id)), policy.respond_min - 1)
})

test('T-102: a ticket keeps the version it started with, whatever happens later', async () => {
  const before = await inForce('repair')
  const t = await house.register(desk)
  assert.equal(t.handbook_page_id, before.id)
  const next = await newVersion('repair', { title: '报修服务(2026)' })
  assert.equal(next.edition, before.edition + 1)
  assert.equal((await house.register(desk)).handbook_page_id, next.id)
  const now = expect(await desk.get(`tickets/${t.id}`), 200)
  assert.equal(now.handbook_page_id, before.id)
  assert.deepEqual(faults(await desk.patch(`tickets/${t.id}`, { handbook_page_id: next.id }, now.version)), { handbook_page_id: 'read_only' })
  const category = expect(await desk.post('categories/suggest', { community_id: cm, text: '马桶堵了' }), 200).items[0].category_id
  expect(await desk.patch(`tickets/${t.id}`, { category_id: category }, now.version), 200)
  assert.equal((await act(desk, t, 'accept')).handbook_page_id, before.id)
  const old = await page(desk, before.id)
  assert.deepEqual([old.title, old.state, old.steps.length], [before.title, 'withdrawn', 4])
  assert.deepEqual(old.editions.map((e) => [e.edition, e.state]), [[next.edition, 'in_force'], [before.edition, 'withdrawn']])
  const mine = await house.register(await house.as('resident1'))
  assert.ok(!('handbook_page_id' in mine)) // the house's own paper
})

test('what was in force is not changed; a change is a new version, one draft at a time', async () => {
  const p = await page(manager, (await inForce('praise')).id)
  expect(await manager.patch(`handbook-pages/${p.id}`, { title: 'x' }, p.version), 409, 'state')
  expect(await manager.del(`handbook-pages/${p.id}`, p.version), 409, 'state')
  const s = p.steps[0]
  expect(await manager.patch(`handbook-steps/${s.id}`, { name: 'x' }, s.version), 409, 'state')
  expect(await manager.del(`handbook-steps/${s.id}`, s.version), 409, 'state')
  expect(await manager.post('handbook-steps', { community_id: cm, page_id: p.id, position: 9, name: 'x' }), 409, 'state')
  const draft = expect(await manager.post(`handbook-pages/${p.id}/revise`), 201)
  expect(await manager.post(`handbook-pages/${p.id}/revise`), 409, 'exists')
  const steps = (await page(manager, draft.id)).steps
  assert.deepEqual(steps.map((x) => x.what), p.steps.map((x) => x.what))
  expect(await manager.patch(`handbook-steps/${steps[0].id}`, { name: '接收' }, steps[0].version), 200)
  assert.deepEqual(faults(await manager.post(`handbook-pages/${draft.id}/actions/publish`, { effective_from: '2020-01-01' })), { effective_from: 'past' })
  const later = expect(await manager.post(`handbook-pages/${draft.id}/actions/publish`, { effective_from: '2199-01-01' }), 200)
  assert.equal(later.state, 'in_force')
  assert.equal((await page(manager, p.id)).state, 'in_force') // until that day
  expect(await worker.post(`handbook-pages/${draft.id}/confirm`), 409, 'state')
  expect(await manager.post(`handbook-pages/${draft.id}/actions/withdraw`, {}), 200)
  expect(await manager.post(`handbook-pages/${draft.id}/actions/publish`, {}), 409, 'state')
})

test('read and confirm: by oneself, once, again for each version; who has not is known', async () => {
  const p = await newVersion('safety')
  assert.ok((await toRead(worker)).includes(p.id))
  assert.deepEqual((await page(worker, p.id)).reading, { asked: true, confirmed_at: null })
  const readers = async () => expect(await manager.get(`handbook-pages/${p.id}/readers`), 200).items
  assert.ok((await readers()).length >= 10 && (await readers()).every((r) => r.confirmed_at === null))
  const one = expect(await worker.post(`handbook-pages/${p.id}/confirm`), 200)
  const two = expect(await worker.post(`handbook-pages/${p.id}/confirm`), 200)
  assert.deepEqual(one, two)
  assert.ok(!(await toRead(worker)).includes(p.id))
  assert.deepEqual((await page(worker, p.id)).reading, { asked: false, confirmed_at: one.confirmed_at })
  assert.deepEqual((await readers()).filter((r) => r.confirmed_at).map((r) => r.staff_id), [house.worker1.staff_id])
  const mine = expect(await worker.get(`handbook-confirmations?community_id=${cm}&limit=100`), 200).items
  assert.ok(mine.length && mine.every((k) => k.staff_id === house.worker1.staff_id)) // his own, no others'
  const again = await newVersion('safety')
  assert.ok((await toRead(worker)).includes(again.id))
  expect(await worker.post(`handbook-pages/${p.id}/confirm`), 200) // said once, it stays said
  expect(await (await house.as('worker2')).post(`handbook-pages/${p.id}/confirm`), 409, 'state')
})

test('whom a page does not name is not asked; nobody confirms for another, no machine for anybody', async () => {
  const cashier = await house.as('cashier')
  assert.deepEqual(await toRead(cashier), [])
  const p = await inForce('complaint')
  assert.equal((await page(cashier, p.id)).reading.asked, false)
  expect(await (await house.as('admin')).post(`handbook-pages/${p.id}/confirm`), 403, 'denied') // a manager, but nobody of the staff
  const made = await house.server.cli(['token', 'create', 'worker1', '--name', '报表'])
  const machine = await house.anyone()
  expect(await machine.post(`handbook-pages/${p.id}/confirm`, undefined, { authorization: `Bearer ${made.out.match(/\banju_[\w-]+|\b[\w-]{30,}/)[0]}` }), 403, 'denied')
})

test('who may what', async () => {
  const p = await inForce('inquiry')
  expect(await desk.post(`handbook-pages/${p.id}/revise`), 403)
  expect(await desk.get(`handbook-pages/${p.id}/readers`), 403)
  expect(await desk.post('handbook-pages', { community_id: cm, kind: 'repair', title: 'x' }), 403)
  const resident = await house.as('resident1')
  expect(await resident.get(`handbook-pages/${p.id}`), 403)
  expect(await resident.get('me/handbook'), 403)
  const other = await house.as('manager-b')
  for (const call of ['revise', 'confirm']) expect(await other.post(`handbook-pages/${p.id}/${call}`), 404)
  expect(await other.get(`handbook-pages/${p.id}/readers`), 404)
  assert.deepEqual(faults(await manager.post('handbook-pages', { community_id: cm, kind: 'praise', title: 'x', edition: 9, state: 'in_force' })),
    { edition: 'read_only', state: 'read_only' })
})

test('approved wordings only, with the ticket’s own values; whoever wrote it does not approve it', async () => {
  const t = await house.ticketIn('finished')
  const offered = async (who, path = t.id) => expect(await who.get(`tickets/${path}/replies`), 200).items
  const post_id = (await inForce('repair')).post_id
  const made = expect(await manager.post('reply-templates', { community_id: cm, kind: 'repair', title: '上门修好', title_en: 'Mended', body: '{ticket}:{result},{name},{due},{staff}', post_id }), 201)
  assert.ok(!(await offered(desk)).some((x) => x.id === made.id))
  expect(await manager.post(`reply-templates/${made.id}/actions/approve`, {}), 403, 'denied')
  expect(await desk.post(`reply-templates/${made.id}/actions/approve`, {}), 403, 'denied')
  expect(await (await house.as('admin')).post(`reply-templates/${made.id}/actions/approve`, {}), 200) // another manager
  const mine = (await offered(desk)).find((x) => x.id === made.id)
  assert.ok(mine.text.startsWith(`${t.code}:已更换阀芯,`) && !/[{}*]/.test(mine.text), mine.text)
  const { contact_name } = await reveal(desk, `tickets/${t.id}`)
  assert.ok(mine.text.includes(`,${contact_name[0]},`) && !mine.text.includes(contact_name), mine.text) // as masked as anywhere
  assert.ok((await offered(worker)).some((x) => x.id === made.id))
  const other = await house.ticketIn('finished', { kind: 'safety' })
  assert.ok(!(await offered(desk, other.id)).some((x) => x.id === made.id)) // of another kind
  const fresh = await house.register(desk, { person_id: house.resident1.person_id })
  assert.ok(!(await offered(desk, fresh.id)).some((x) => x.id === made.id)) // nothing to say yet
  const row = expect(await desk.get(`reply-templates/${made.id}`), 200)
  expect(await desk.patch(`reply-templates/${made.id}`, { body: '{ticket} 已修好' }, row.version), 200)
  assert.ok(!(await offered(desk)).some((x) => x.id === made.id)) // other words, approved anew
  assert.deepEqual(faults(await desk.post('reply-templates', { community_id: cm, title: 'x', body: '{phone}', post_id })), { body: 'variable' })
  expect(await (await house.as('resident1')).get(`tickets/${t.id}/replies`), 403)
  expect(await (await house.as('manager-b')).get(`tickets/${t.id}/replies`), 404)
})
