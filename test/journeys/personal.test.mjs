// personal.test.mjs - personal data: masked for everybody but the row's own people, in full one row at a time, by a right,
// for a reason, on record; ID numbers are not in the database for whoever has only the database.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Database } from '../lib/database.mjs'
import { act, expect, faults, openHouse, reveal } from '../lib/house.mjs'
import { engine } from '../lib/server.mjs'

let house, desk, manager, cashier, worker, resident
before(async () => {
  house = await openHouse()
  ;[desk, manager, cashier, worker, resident] = await Promise.all(
    ['desk', 'manager', 'cashier', 'worker1', 'resident1'].map((l) => house.as(l)),
  )
})
after(() => house.stop())
const CARD = '11010519491231002X'
const MASK = '110***********002X'
const MASKED_PHONE = /^\d{3}\*{4}\d{4}$/
const PHONE = '13912345678'
const add = async (fields) => expect(await manager.post('people', { community_id: house.community, ...fields }), 201)

test('lists, pages and the household card are masked, for the manager too', async () => {
  const person = await add({ name: '遮盖', phone: PHONE })
  for (const who of [manager, desk, cashier]) {
    assert.match(expect(await who.get(`people/${person.id}`), 200).phone, MASKED_PHONE)
    const { items } = expect(await who.get('people?limit=200'), 200)
    assert.ok(items.filter((p) => p.phone).every((p) => MASKED_PHONE.test(p.phone) || /^\*+$/.test(p.phone)))
  }
  const card = expect(await desk.get(`desk/household?space_id=${house.resident1.space_id}`), 200)
  assert.ok(card.persons.some((p) => p.phone) && card.persons.every((p) => !p.phone || MASKED_PHONE.test(p.phone)))
  const mine = await house.register(resident, {}, 'app')
  assert.doesNotMatch(expect(await resident.get(`tickets/${mine.id}`), 200).contact_phone ?? '', /\*/, 'his own he reads')
})

test('in full: a right, a reason, one row, and a line in the log without the value', async () => {
  const person = await add({ name: '查看', phone: PHONE, id_number: CARD })
  const path = `people/${person.id}`
  assert.deepEqual(faults(await desk.post(`${path}/reveal`, {})), { reason: 'required' })
  assert.deepEqual(faults(await desk.post(`${path}/reveal`, { reason: 'x' })), { reason: 'min' })
  for (const who of [cashier, worker]) expect(await who.post(`${path}/reveal`, { reason: '想看看' }), 403)
  expect(await resident.post(`${path}/reveal`, { reason: '想看看' }), 403)
  expect(await (await house.as('manager-b')).post(`${path}/reveal`, { reason: '想看看' }), 404)
  const told = expect(await desk.post(`${path}/reveal`, { reason: '回电告知停水' }), 200).values
  assert.deepEqual([told.phone, told.id_number, told.phone2], [PHONE, CARD, null])
  const { items } = expect(await manager.get(`${path}/timeline`), 200)
  const note = items.filter((i) => i.action === 'reveal')
  assert.equal(note.length, 1, 'only the one that was answered is on record')
  assert.deepEqual([note[0].comment, note[0].data.fields], ['回电告知停水', ['phone', 'id_number']])
  assert.doesNotMatch(JSON.stringify(items), new RegExp(`${PHONE}|${CARD}`))
})

test('a file is masked and marked; in full it needs the right and a reason, and both are on record', async () => {
  const person = await add({ name: '导出', phone: PHONE })
  const csv = async (who, query = '') => who.get(`people/export.csv?community_id=${house.community}${query}`)
  const masked = await csv(manager)
  assert.doesNotMatch(masked.bytes.toString(), new RegExp(PHONE))
  const mark = masked.bytes.toString().trim().split('\r\n').at(-1).split(',').at(-1)
  assert.match(mark, /^\d+ manager \d{4}-\d\d-\d\d$/)
  expect(await csv(desk, '&unmasked=1&reason=xx'), 403)
  assert.deepEqual(faults(await csv(manager, '&unmasked=1')), { reason: 'required' })
  const full = await csv(manager, `&unmasked=1&reason=${encodeURIComponent('年度核对')}`)
  assert.match(full.bytes.toString(), new RegExp(PHONE))
  assert.match(full.bytes.toString(), new RegExp(String(person.id)))
  assert.equal((await manager.get(`people/export.xlsx?community_id=${house.community}`)).status, 200)
  const db = new Database(house.server)
  const notes = (await db.run("SELECT data FROM event WHERE topic = 'person.exported' ORDER BY id")).map((l) => JSON.parse(l))
  assert.deepEqual(notes.map((n) => [n.format, n.masked, n.reason]), [
    ['csv', true, undefined],
    ['csv', false, '年度核对'],
    ['xlsx', true, undefined],
  ])
  assert.equal(notes[0].mark, mark)
})

test('ID numbers: checked, masked, found whole, once per person, and nowhere in the database or log', async () => {
  const give = (id, v, id_number) => manager.patch(`people/${id}`, { id_number }, v)
  const [first] = expect(await manager.get(`people?id_number=${CARD}`), 200).items
  assert.ok(first, 'the one of the test before')
  assert.equal(expect(await desk.get(`people/${first.id}`), 200).id_number, MASK)
  const other = await add({ name: '证件乙' })
  assert.deepEqual(faults(await give(other.id, 1, '110105194912310021')), { id_number: 'format' })
  assert.deepEqual(faults(await give(other.id, 1, CARD)), { id_number: 'unique' })
  const found = async (q) => expect(await desk.get(`people?id_number=${encodeURIComponent(q)}`), 200).items.map((p) => p.id)
  assert.deepEqual(await found(CARD), [first.id])
  assert.deepEqual(await found(CARD.slice(0, 17)), [])
  assert.deepEqual(await found('440524188001010014'), [])
  assert.deepEqual(faults(await desk.get('people?id_number.gte=1')), { 'id_number.gte': 'unknown' })
  assert.equal((await reveal(manager, `people/${first.id}`)).id_number, CARD)
  const secret = new RegExp(`${CARD}|${CARD.slice(0, 17)}`)
  assert.doesNotMatch(house.server.log(), secret)
  const db = new Database(house.server)
  const stored = await db.run(`SELECT id_number, id_number_index FROM person WHERE id = ${first.id}`)
  assert.match(stored[0], /^[0-9a-f]{8}\.[\w-]{40,}\|[0-9a-f]{64}$/)
  await db.run(`UPDATE person SET id_number = (SELECT id_number FROM person WHERE id = ${first.id}) WHERE id = ${other.id}`)
  assert.equal((await reveal(manager, `people/${other.id}`)).id_number ?? '', '', 'what is copied into another row does not open there')
  await db.run(`UPDATE person SET id_number = NULL WHERE id = ${other.id}`)
  if (engine !== 'sqlite') return
  for (const name of readdirSync(house.server.dir).filter((n) => /^anju\.db/.test(n)))
    assert.doesNotMatch(readFileSync(join(house.server.dir, name), 'latin1'), secret, name)
})

test('the key file: private, and without it or with another one the service does not start', async () => {
  const key = join(house.server.dir, 'anju.key')
  assert.equal(statSync(key).mode & 0o777, 0o600)
  await house.server.halt()
  renameSync(key, `${key}.away`)
  const serve = () => house.server.cli(['serve', '--listen', '127.0.0.1:0'])
  const missing = await serve()
  assert.equal(missing.code, 1)
  assert.match(missing.err, /key file .* is missing: put it back/)
  const another = '0'.repeat(64)
  writeFileSync(key, `01020304 ${another}\n`)
  const wrong = await serve()
  assert.equal(wrong.code, 1)
  assert.match(wrong.err, /does not hold the key/)
  writeFileSync(key, 'not a key file\n')
  assert.match((await serve()).err, /cannot be read or is damaged/)
  renameSync(`${key}.away`, key)
  await house.server.restart()
})

test('a new key while the service runs: what was closed opens, is found, and the old key opens nothing', async () => {
  const key = join(house.server.dir, 'anju.key')
  const before = readFileSync(key, 'utf8')
  const [first] = expect(await manager.get(`people?id_number=${CARD}`), 200).items
  const db = new Database(house.server)
  const box = async () => (await db.run(`SELECT id_number FROM person WHERE id = ${first.id}`))[0]
  const old = await box()
  const rotated = await house.server.cli(['key', 'rotate'])
  assert.equal(rotated.code, 0, rotated.err)
  assert.match(rotated.out, /^[1-9]\d* values closed with a new key/)
  assert.notEqual(await box(), old)
  assert.equal(readFileSync(key, 'utf8').match(/^[0-9a-f]{8} [0-9a-f]{64}$/gm).length, 1)
  assert.notEqual(readFileSync(key, 'utf8'), before)
  assert.deepEqual(expect(await desk.get(`people?id_number=${CARD}`), 200).items.map((p) => p.id), [first.id])
  assert.equal((await reveal(manager, `people/${first.id}`)).id_number, CARD)
  const other = await add({ name: '新钥匙', id_number: '440524188001010014' })
  assert.equal((await reveal(manager, `people/${other.id}`)).id_number, '440524188001010014')
  assert.match((await house.server.cli(['check'])).out, / 0 faults/)
  writeFileSync(`${key}.now`, readFileSync(key), { mode: 0o600 })
  writeFileSync(key, before)
  assert.match((await house.server.cli(['key', 'check'])).err, /does not hold the key/)
  renameSync(`${key}.now`, key)
  assert.equal((await house.server.cli(['key', 'check'])).code, 0)
})

test('a resident reads of each step what is meant for him: no reasons of dispatch, priority, declining or pausing', async () => {
  const dispatcher = await house.as('dispatcher')
  const secret = ['就近安排甲', '他太啰嗦乙', '等配件丙', '内部丁', '备注戊']
  let t = await house.register(desk, { person_id: house.resident1.person_id, space_id: house.resident1.space_id })
  t = await act(desk, t, 'accept', { comment: secret[4] })
  t = await act(dispatcher, t, 'prioritize', { priority: 'P2', reason: secret[1] })
  t = await act(dispatcher, t, 'dispatch', { assignee_id: house.worker1.staff_id, reason: secret[0] })
  t = await act(worker, t, 'start')
  t = await act(worker, t, 'pause', { class: 'parts', reason: secret[2] })
  t = await act(worker, t, 'resume', {})
  t = await act(worker, t, 'finish', { result: '已更换阀芯', comment: secret[3] })
  t = await act(desk, t, 'inform', { channel: 'phone', note: '已电话告知' })
  expect(await resident.post(`tickets/${t.id}/comments`, { text: '谢谢师傅' }), 201)
  await act(resident, t, 'return', { reason: '还是漏' })
  const seen = expect(await resident.get(`tickets/${t.id}/timeline`), 200).items
  assert.doesNotMatch(JSON.stringify(seen), new RegExp(secret.join('|')))
  assert.deepEqual(seen.map((i) => i.comment).filter(Boolean), ['已更换阀芯', '已电话告知', '谢谢师傅', '还是漏'])
  const staff = JSON.stringify(expect(await desk.get(`tickets/${t.id}/timeline`), 200))
  for (const s of secret) assert.match(staff, new RegExp(s))
})
