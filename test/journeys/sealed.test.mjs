// sealed.test.mjs - a complaint without a name: nothing that anybody can ask for, and nothing in the database or the log of
// requests, says who it was; one asks and another agrees, then the first reads it, and that is on record.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { expect, faults, openHouse, patient } from '../lib/house.mjs'
import { Database } from '../lib/database.mjs'

let house, desk, manager, dispatcher, resident, anyone, db
before(async () => {
  house = await openHouse()
  ;[desk, manager, dispatcher, resident] = await Promise.all(['desk', 'manager', 'dispatcher', 'resident1'].map(house.as))
  anyone = patient(await house.anyone())
  db = new Database(house.server)
})
after(() => house.stop())

const complain = (who, body = {}) => who.post('anonymous-complaints', { community_id: house.community, kind: 'complaint', title: '保安态度恶劣', detail: '昨晚在大门口', ...body })
const ticket_of = async (code) => expect(await desk.get(`tickets?community_id=${house.community}&q=${code}`), 200).items[0]
const seal_of = async (who, ticket) => expect(await who.get(`sealed-identities?community_id=${house.community}&ticket_id=${ticket.id}&actions=1`), 200).items[0]

test('nobody is told who it was, and the resident follows it by a link', async () => {
  const made = expect(await complain(resident), 201)
  assert.deepEqual(Object.keys(made), ['code', 'progress'])
  const t = await ticket_of(made.code)
  assert.deepEqual([t.anonymous, t.person_id, t.contact_name, t.contact_phone, t.created_by, t.channel], [true, null, null, null, null, 'app'])
  assert.deepEqual(await db.run(`SELECT count(*) FROM event WHERE subject_id = ${t.id} AND user_id IS NOT NULL`), ['0'])
  assert.deepEqual(await db.run(`SELECT count(*) FROM idempotency WHERE reply LIKE '%${made.code}%'`), ['0'])
  assert.deepEqual(await db.run(`SELECT count(*) FROM sealed_identity WHERE created_by IS NOT NULL OR person = '${house.resident1.person_id}'`), ['0'])
  const logged = house.server.log().split('\n').filter((l) => l.includes('anonymous-complaints'))
  assert.ok(logged.length > 0 && logged.every((l) => l.includes('user=0')), logged.join('\n'))
  assert.equal(expect(await anyone.get(`public/progress/${made.progress.split('/')[2]}`), 200).code, made.code)
  expect(await resident.get(`tickets/${t.id}`), 404) // not even he, logged in: that he may would tell
  expect(await desk.get(`sealed-identities?community_id=${house.community}`), 403)
})

test('two people open it, for one of them', async () => {
  const t = await ticket_of(expect(await complain(resident), 201).code)
  const seal = await seal_of(manager, t)
  assert.ok(!('name' in seal) && !('person' in seal))
  const act = (who, action, body = {}) => who.post(`sealed-identities/${seal.id}/actions/${action}`, body)
  const read = (who) => who.post(`sealed-identities/${seal.id}/identity`, {})
  expect(await read(manager), 403)
  assert.deepEqual(faults(await act(manager, 'ask', {})), { reason: 'required' })
  expect(await act(manager, 'ask', { reason: '要当面道歉' }), 200)
  expect(await act(manager, 'grant'), 403)
  expect(await read(manager), 409)
  assert.deepEqual((await seal_of(dispatcher, t)).actions, ['grant', 'refuse'])
  expect(await act(dispatcher, 'grant'), 200)
  expect(await read(dispatcher), 403)
  const who = expect(await read(manager), 200)
  assert.equal(who.person_id, house.resident1.person_id)
  assert.ok(who.name && who.phone)
  for (const other of [await house.as('manager-b'), resident]) expect(await read(other), other === resident ? 403 : 404)
  const log = expect(await manager.get(`sealed-identities/${seal.id}/timeline`), 200).items.map((x) => x.topic)
  assert.deepEqual(log, ['sealed_identity.created', 'sealed_identity.asked', 'sealed_identity.granted', 'sealed_identity.read'])
})

test('the desk writes one down: only who called is under seal', async () => {
  const t = await ticket_of(expect(await complain(desk, { contact_name: '匿名者甲', contact_phone: '13911112222' }), 201).code)
  assert.deepEqual([t.contact_name, t.contact_phone, t.channel, t.created_by], [null, null, 'phone', expect(await desk.get('meta'), 200).me.id])
  assert.deepEqual(await db.run("SELECT count(*) FROM event WHERE data LIKE '%匿名者甲%' OR data LIKE '%13911112222%'"), ['0'])
})

test('what would tell who it is, and too much of it, is refused', async () => {
  assert.deepEqual(faults(await complain(resident, { space_id: house.resident1.space_id })), { space_id: 'private' })
  assert.deepEqual(faults(await complain(resident, { kind: 'repair' })), { kind: 'choice' })
  assert.deepEqual(faults(await complain(resident, { title: '' })), { title: 'required' })
  assert.deepEqual(faults(await complain(resident, { detail: '行\n'.repeat(10_000) })), { detail: 'max' })
  expect(await complain(await house.as('manager-b')), 404)
  const spammer = await house.as('resident2')
  const answers = []
  for (let i = 0; i < 12; i++) answers.push((await complain(spammer)).status)
  assert.deepEqual(answers, [...Array(10).fill(201), 429, 429])
})
