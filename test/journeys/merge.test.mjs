// merge.test.mjs - two rows of one person made one: shown before, done in one piece, taken back; nothing lost, nothing
// across communities, logins never moved, and an erasure reaches what was merged away.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Database } from '../lib/database.mjs'
import { act, expect, faults, openHouse, reveal } from '../lib/house.mjs'

let house, desk, manager, resident, db, homes
before(async () => {
  house = await openHouse()
  ;[desk, manager, resident] = await Promise.all(['desk', 'manager', 'resident1'].map((l) => house.as(l)))
  db = new Database(house.server)
  homes = expect(await manager.get(`spaces?community_id=${house.community}&kind=unit&limit=200`), 200).items
})
after(() => house.stop())

let n = 0
const CARDS = ['11010519491231002X', '440524188001010014', '510104198001010014']
const add = async (fields) => expect(await manager.post('people', { community_id: house.community, ...fields }), 201)
const number = () => `1371000${String(++n).padStart(4, '0')}`
const lives = async (person, space, from, to = null) =>
  expect(await manager.post('occupancies', { community_id: house.community, person_id: person.id, space_id: space.id, relation: 'owner', from_date: from, to_date: to }), 201)
const plate = async (person, value) =>
  expect(await manager.post('identities', { community_id: house.community, person_id: person.id, kind: 'plate', value }), 201)
const preview = async (keep, gone, take = '', who = manager) => who.get(`people/${keep.id}/merge-preview?with=${gone.id}&take=${take}`)
const merge = (keep, gone, fields = {}, who = manager) =>
  who.post('person-merges', { community_id: house.community, keep_id: keep.id, gone_id: gone.id, reason: '同一人登记了两次', ...fields })
const undo = (m) => manager.post(`person-merges/${m.id}/actions/undo`, { reason: '其实是两个人' })
const person = async (p) => expect(await manager.get(`people/${p.id}`), 200)
const field = (seen, name) => seen.fields.find((f) => f.name === name)
const moves = (seen) => Object.fromEntries(seen.moves.map((m) => [m.resource, [m.moved, m.put_away]]))
const faults_of = (reply) => expect(reply, 200).obstacles.map((o) => o.code)

test('the preview says what the merge does; the merge does it; undo leaves everything as it was', async () => {
  const phones = [number(), number()]
  const keep = await add({ name: '张伟', phone: phones[0], note: '东户' })
  const gone = await add({ name: '张 伟', phone: phones[1], tier: 'vip', id_number: CARDS[0], note: '周末在家' })
  const [home, other] = homes
  await lives(keep, home, '2020-01-01')
  const doubled = await lives(gone, home, '2021-01-01')
  const longer = await lives(gone, other, '2019-01-01')
  const car = await plate(gone, '粤B0M001')
  const ticket = await house.register(desk, { person_id: gone.id, space_id: home.id })
  const state = async () => {
    const rows = {}
    for (const p of [keep, gone]) {
      const row = (await db.run(`SELECT name, phone, phone2, tier, id_kind, note, archived FROM person WHERE id = ${p.id}`))[0]
      rows[p.id] = [row, (await reveal(manager, `people/${p.id}`)).id_number]
    }
    for (const [table, row] of [['occupancy', doubled], ['occupancy', longer], ['person_identity', car], ['ticket', ticket]])
      rows[row.id] = (await db.run(`SELECT person_id, archived FROM ${table} WHERE id = ${row.id}`))[0]
    return rows
  }
  const before = await state()

  const seen = expect(await preview(keep, gone), 200)
  assert.deepEqual(seen.obstacles, [])
  assert.deepEqual(moves(seen), { identities: [1, 0], occupancies: [1, 1], tickets: [1, 0] })
  assert.deepEqual(['name', 'phone', 'phone2', 'id_number', 'note'].map((f) => field(seen, f).result), ['keep', 'keep', 'both', 'gone', 'both'])
  assert.match(field(seen, 'phone').gone, /^137\*{4}\d{4}$/, 'masked')
  assert.equal(field(expect(await preview(keep, gone, 'name'), 200), 'name').result, 'gone')
  assert.deepEqual(await state(), before, 'looking changes nothing')

  const m = expect(await merge(keep, gone, { take: 'name' }), 201)
  assert.deepEqual([m.state, m.moved, m.before], ['merged', 4, undefined])
  const one = { ...(await person(keep)), ...(await reveal(manager, `people/${keep.id}`)) }
  assert.deepEqual([one.name, one.phone, one.phone2, one.tier, one.id_number, one.note],
    ['张 伟', phones[0], phones[1], 'vip', CARDS[0], '东户\n周末在家'])
  assert.equal((await person(gone)).archived, true)
  assert.equal(expect(await manager.get(`tickets/${ticket.id}`), 200).person_id, keep.id)
  const card = expect(await desk.get(`desk/household?space_id=${home.id}`), 200)
  assert.equal(card.persons.filter((p) => p.id === keep.id).length, 1)
  assert.equal(card.persons.filter((p) => p.id === gone.id).length, 0)
  const list = expect(await manager.get(`person-merge-rows?merge_id=${m.id}&limit=200`), 200).items
  assert.deepEqual(list.map((r) => [r.resource, r.row_id, r.put_away]).sort(), [
    ['occupancy', doubled.id, true], ['occupancy', longer.id, false], ['person_identity', car.id, false], ['ticket', ticket.id, false]].sort())
  const told = expect(await manager.get(`tickets/${ticket.id}/timeline`), 200).items.filter((i) => i.topic === 'ticket.merged')
  assert.deepEqual(told.map((i) => [i.action, i.data.diff]), [['merge', { person_id: [gone.id, keep.id] }]])
  const raw = JSON.stringify(await db.run(`SELECT * FROM person_merge WHERE id = ${m.id}`))
  assert.doesNotMatch(raw, /137100|11010519/, 'the values before are kept closed')

  await act(desk, ticket, 'accept') // life goes on in between
  const undone = expect(await undo(m), 200)
  assert.deepEqual([undone.state, undone.left_where_they_are], ['undone', 0])
  assert.deepEqual(await state(), before)
  expect(await undo(m), 409)
})

test('what was changed to something else since stays, and is counted', async () => {
  const keep = await add({ name: '李娜', phone: number() })
  const gone = await add({ name: '李娜', phone: number(), note: '二楼' })
  const m = expect(await merge(keep, gone), 201)
  const now = await person(keep)
  expect(await manager.patch(`people/${keep.id}`, { note: '三楼' }, now.version), 200)
  const later = await house.register(desk, { person_id: keep.id, space_id: homes[0].id })
  assert.equal(expect(await undo(m), 200).left_where_they_are, 1, 'the note')
  assert.equal((await person(keep)).note, '三楼')
  assert.equal((await person(gone)).note, '二楼')
  assert.equal(expect(await manager.get(`tickets/${later.id}`), 200).person_id, keep.id, 'made since: his')
})

test('what stands against it is said before and refused after', async () => {
  const one = await add({ name: '王强', phone: number(), id_number: CARDS[1] })
  const two = await add({ name: '王强', phone: number(), id_kind: 'passport', id_number: 'E1234567' })
  const firm = await add({ name: '王强商店', kind: 'organisation' })
  const me = { id: house.resident1.person_id }
  const other = { id: house.resident2.person_id }
  const cases = [
    [one, one, ['same']], [one, firm, ['kind']], [one, me, ['login']], [other, me, ['logins']],
  ]
  for (const [keep, gone, codes] of cases) {
    assert.deepEqual(faults_of(await preview(keep, gone)), codes)
    assert.deepEqual(faults(await merge(keep, gone)), { gone_id: codes[0] })
  }
  assert.deepEqual(faults(await manager.get(`people/${one.id}/merge-preview`)), { with: 'required' })
  assert.deepEqual(faults(await preview(one, two, 'state')), { take: 'unknown' })
  assert.deepEqual(faults(await merge(one, two, { take: 'phone, phone3' })), { take: 'unknown' })
  assert.deepEqual(faults(await merge(one, { id: 1 })), { gone_id: 'ref' })
  assert.deepEqual(faults(await merge(one, two, { reason: '' })), { reason: 'required' })
  const merged = expect(await merge(one, two), 201) // a passport beside an ID card is no second person
  assert.deepEqual(faults(await merge(one, two)), { gone_id: 'ref' }, 'gone is gone')
  assert.equal((await reveal(manager, `people/${one.id}`)).id_number, CARDS[1])
  expect(await undo(merged), 200)
  assert.equal((await reveal(manager, `people/${two.id}`)).id_number, 'E1234567')
  const third = await add({ name: '王强', phone: number(), id_number: CARDS[2] })
  assert.deepEqual(faults(await merge(one, third)), { gone_id: 'document' })
})

test('nobody else: other communities, roles without the right, residents', async () => {
  const keep = await add({ name: '赵敏', phone: number() })
  const gone = await add({ name: '赵敏', phone: number() })
  const b = await house.as('manager-b')
  const theirs = expect(await b.post('people', { community_id: house.otherCommunity, name: '赵敏', phone: number() }), 201)
  expect(await preview(keep, theirs), 404)
  expect(await preview(theirs, keep), 404)
  expect(await preview(keep, gone, '', b), 404)
  assert.deepEqual(faults(await merge(keep, theirs)), { gone_id: 'ref' })
  expect(await merge(keep, gone, {}, b), 404)
  const [cashier, worker] = await Promise.all([house.as('cashier'), house.as('worker1')])
  for (const who of [cashier, worker, resident]) {
    assert.ok([403, 404].includes((await preview(keep, gone, '', who)).status))
    expect(await merge(keep, gone, {}, who), 403)
  }
  const m = expect(await merge(keep, gone), 201)
  expect(await b.get(`person-merges/${m.id}`), 404)
  expect(await b.post(`person-merges/${m.id}/actions/undo`, { reason: '试一试' }), 404)
  assert.ok([403, 404].includes((await resident.get(`person-merges/${m.id}`)).status))
})

test('two merges in a row come back in the other order; a consent given twice is put away', async () => {
  const [a, b, c] = [await add({ name: '周杰', phone: number() }), await add({ name: '周杰' }), await add({ name: '周杰' })]
  const text = expect(await manager.post('consent-texts', {
    community_id: house.community, purpose: 'groups', edition: 71, text: '我们邀请您加入业主群,可随时退出,不影响服务。', effective_from: '2026-01-01', sensitive: false }), 201)
  for (const p of [a, b])
    expect(await desk.post('consents', { community_id: house.community, text_id: text.id, person_id: p.id, channel: 'desk', answer: 'given' }), 201)
  assert.deepEqual(moves(expect(await preview(a, b), 200)), { consents: [0, 1] })
  const first = expect(await merge(a, b), 201)
  const second = expect(await merge(c, a), 201)
  expect(await undo(first), 409)
  expect(await undo(second), 200)
  expect(await undo(first), 200)
  for (const p of [a, b])
    assert.equal(expect(await manager.get(`consents?community_id=${house.community}&person_id=${p.id}`), 200).items.length, 1)
})

test('an erasure takes what was merged away with it, and then nothing comes back', async () => {
  const keep = await add({ name: '陈静雯', phone: number() })
  const gone = await add({ name: '陈静文', phone: number(), note: '备注里的话' })
  const phone = (await reveal(manager, `people/${gone.id}`)).phone
  const ticket = await house.register(desk, { person_id: gone.id, title: `陈静文来电 ${phone}`, contact_name: '陈静文', contact_phone: phone })
  await plate(gone, '粤B0M777')
  await plate(keep, '粤B0M777')
  const m = expect(await merge(keep, gone, { reason: '陈静文就是陈静雯' }), 201)
  await act(desk, ticket, 'cancel', { reason: '住户已迁出' })
  let r = expect(await desk.post('data-requests', { community_id: house.community, kind: 'erase', person_id: keep.id, channel: 'phone' }), 201)
  for (const [who, action, input] of [[desk, 'verify', { identity_by: 'document' }], [desk, 'begin', {}], [manager, 'finish', { answer: '已删除' }]])
    r = expect(await who.post(`data-requests/${r.id}/actions/${action}`, input), 200)
  const left = async () => JSON.stringify([
    await db.run(`SELECT name, phone, phone2, note, id_number FROM person WHERE id IN (${keep.id}, ${gone.id})`),
    await db.run(`SELECT value FROM person_identity WHERE person_id IN (${keep.id}, ${gone.id})`),
    await db.run(`SELECT title, contact_name, contact_phone FROM ticket WHERE id = ${ticket.id}`),
    await db.run(`SELECT reason FROM person_merge WHERE id = ${m.id}`)])
  while ((await db.run(`SELECT id FROM person WHERE id = ${keep.id} AND erased_at IS NULL`)).length) await pause(50)
  assert.doesNotMatch(await left(), /陈静|0M777|备注里|1371000/)
  expect(await undo(m), 409)
})

test('likely duplicates: the same name at one home, one plate, one phone; all reasons of a pair together', async () => {
  const shared = number()
  const [home] = homes.slice(-1)
  const [x, y, z] = [await add({ name: '孙丽', phone: shared }), await add({ name: '孙丽' }), await add({ name: '孙丽的先生', phone: shared })]
  await lives(x, home, '2022-01-01')
  await lives(y, home, '2023-01-01')
  await plate(x, '粤B0D555')
  await plate(y, '粤B0D555')
  const pairs = expect(await manager.get(`people/duplicates?community_id=${house.community}`), 200).items
  const why = (p, q) => pairs.find((d) => d.a.id === p.id && d.b.id === q.id)?.why
  assert.deepEqual([why(x, y), why(x, z), why(y, z)], [['name_home', 'number'], ['phone'], undefined])
  expect(await merge(x, y), 201)
  const then = expect(await manager.get(`people/duplicates?community_id=${house.community}`), 200).items
  assert.ok(!then.some((d) => d.a.id === y.id || d.b.id === y.id))
})
