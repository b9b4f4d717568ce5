// import.test.mjs - files that people bring: staged, mapped, checked as a whole, loaded in steps that survive a kill and a cancel,
// and taken back. What is not certain is a reason, never a guess.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Database } from '../lib/database.mjs'
import { expect, faults, openHouse } from '../lib/house.mjs'

let house, manager, boss, database
before(async () => {
  house = await openHouse()
  manager = await house.as('manager')
  boss = await house.boss()
  database = new Database(house.server)
})
after(() => house.stop())
const CSV = { 'content-type': 'text/csv' }
const stage = async (who, resource, text, name = 'file.csv', community = house.community) =>
  expect(await who.post(`imports?resource=${resource}&community_id=${community}&name=${encodeURIComponent(name)}`, text, CSV), 201)
const act = async (who, id, what, body = {}) => expect(await who.post(`imports/${id}/${what}`, body), 200)
async function until(who, id, state) {
  for (let i = 0; i < 600; i++) {
    const now = expect(await who.get(`imports/${id}`), 200)
    if (now.import.state === state) return now
    await pause(100)
  }
  assert.fail(`import ${id} did not become ${state}`)
}
const fields = (batch) => batch.columns.map((c) => c.field)
const people = async (q) => expect(await manager.get(`people?community_id=${house.community}&q=${encodeURIComponent(q)}&count=1&limit=50`), 200)

test('a sheet with Chinese headings in GB18030: columns known by label, checked, loaded, taken back', async () => {
  // 姓名,电话,类型,备注 / 甲乙丙,…: what Excel on a Chinese Windows saves
  const gbk = Buffer.from('d0d5c3fb2cb5e7bbb02cc0e0d0cd2cb1b8d7a20d0abcd7d2d2b1fb2c3136363030303030303031' + '2cb8f6c8cb2cb5dad2bb0d0a' + 'b6a1cef6cee42c3136363030303030303032' + '2cb8f6c8cb2c0d0a', 'hex')
  const made = await stage(manager, 'people', gbk, '住户.csv')
  assert.deepEqual([made.import.state, made.import.rows, made.import.name], ['loaded', 2, '住户.csv'])
  assert.deepEqual(made.columns.map((c) => [c.name, c.field]), [['姓名', 'name'], ['电话', 'phone'], ['类型', 'kind'], ['备注', 'note']])
  assert.equal(made.columns[0].samples[0].length, 3)
  const id = made.import.id
  expect(await manager.post(`imports/${id}/start`, {}), 409)
  const checked = await act(manager, id, 'check', { columns: fields(made).map((f) => f ?? '') })
  assert.deepEqual([checked.import.state, checked.import.bad, checked.errors], ['checked', 0, []], JSON.stringify(checked.errors))
  assert.equal((await people('16600000001')).total, 0, 'a check keeps nothing')
  await act(manager, id, 'start')
  const done = await until(manager, id, 'done')
  assert.deepEqual([done.import.done, done.import.bad], [2, 0])
  const found = await people('丁析武')
  assert.equal(found.total, 1)
  const one = expect(await manager.get(`people/${found.items[0].id}`), 200)
  assert.ok(one.created_by > 0, 'made by who loaded it')
  assert.deepEqual((await database.run(`SELECT count(*) FROM import_line WHERE batch_id = ${id} AND cells <> ''`)).map(Number), [0], 'cells are forgotten')
  await act(manager, id, 'undo')
  const undone = await until(manager, id, 'undone')
  assert.equal(undone.import.done, 0)
  assert.equal((await people('16600000001')).total, 0)
  const log = expect(await (await house.as('auditor')).get(`audit?community_id=${house.community}&topic=import.undone`), 200)
  assert.equal(log.items[0].subject_id, id)
})

test('reasons stand beside their lines; the bad ones come as a sheet; the rest loads when they are left out', async () => {
  const made = await stage(manager, 'people', 'name,phone,kind\r\n好人一,16600000011,person\r\n,16600000012,person\r\n坏电话,12,robot\r\n好人二,16600000013,个人\r\n')
  const checked = await act(manager, made.import.id, 'check', { columns: ['name', 'phone', 'kind'] })
  assert.equal(checked.import.bad, 2)
  assert.deepEqual(checked.errors.map((e) => [e.row, e.fields.map((f) => f.field).sort()]), [[3, ['name']], [4, ['kind', 'phone']]])
  const sheet = await manager.get(`imports/${made.import.id}/errors.csv`)
  expect(sheet, 200)
  const lines = sheet.bytes.toString().replace(/^\ufeff/, '').trim().split('\r\n')
  assert.equal(lines.length, 3)
  assert.match(lines[0], /^name,phone,kind,/)
  assert.match(lines[2], /^坏电话,12,robot,4,/)
  expect(await manager.post(`imports/${made.import.id}/start`, {}), 409)
  await act(manager, made.import.id, 'start', { skip_bad: true })
  const done = await until(manager, made.import.id, 'done')
  assert.deepEqual([done.import.done, done.import.bad], [2, 2])
  assert.equal((await people('好人')).total, 2)
})

test('a mapping is remembered for the same heading; a column may be left out; one field twice is refused', async () => {
  const head = 'Owner of flat,Mobile no.,Remarks from 2019\r\n'
  const first = await stage(manager, 'people', head + '记忆甲,16600000021,x\r\n')
  assert.deepEqual(fields(first), [null, null, null])
  assert.deepEqual(faults(await manager.post(`imports/${first.import.id}/check`, { columns: ['name', 'name', ''] })), { columns: 'field' })
  assert.deepEqual(faults(await manager.post(`imports/${first.import.id}/check`, { columns: ['name'] })), { columns: 'count' })
  assert.deepEqual(faults(await manager.post(`imports/${first.import.id}/check`, { columns: ['name', 'version', ''] })), { columns: 'field' })
  const checked = await act(manager, first.import.id, 'check', { columns: ['name', 'phone', ''] })
  assert.equal(checked.import.bad, 0)
  const again = await stage(manager, 'people', head + '记忆乙,16600000022,y\r\n')
  assert.deepEqual(fields(again), ['name', 'phone', null])
})

test('a sheet sent twice with one key is staged once', async () => {
  const send = () => manager.post(`imports?resource=people&community_id=${house.community}&name=a.csv`, 'name\r\n一次\r\n', { ...CSV, 'idempotency-key': 'stage-once' })
  const [first, second] = [expect(await send(), 201), await send()]
  expect(second, 201)
  assert.equal(second.headers.get('idempotent-replayed'), 'true')
  assert.equal(second.body.import.id, first.import.id)
})

test('a refused check keeps no idempotency key: corrected, it goes through with the same one; then it is kept', async () => {
  const made = await stage(manager, 'people', 'name,phone\r\n钥匙甲,16600000071\r\n')
  const key = { 'idempotency-key': 'check-once' }
  const check = (columns) => manager.post(`imports/${made.import.id}/check`, { columns }, key)
  expect(await check(['name', 'name']), 422)
  expect(await check(['name', 'phone']), 200)
  const again = await check(['name', 'phone'])
  expect(again, 200)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  expect(await check(['phone', 'name']), 409, 'idempotency')
})

test('names instead of ids: a room by its name, a person by his phone; two of a name are a reason', async () => {
  const space = expect(await manager.get(`spaces?community_id=${house.community}&kind=unit&limit=1`), 200).items[0]
  for (const [name, phone] of [['同名者', '16600000031'], ['同名者', '16600000032'], ['独名者', '16600000033']])
    expect(await manager.post('people', { community_id: house.community, kind: 'person', name, phone }), 201)
  const text = (who) => `住户,空间,关系,起\r\n${who},${space.path_name},业主,2024/3/5\r\n`
  const meta = expect(await manager.get('meta'), 200).resources.occupancies
  const label = (name) => meta.fields.find((f) => f.name === name).label[0]
  const heading = [label('person_id'), label('space_id'), label('relation'), label('from_date') ].join(',')
  const check = async (who) => {
    const made = await stage(manager, 'occupancies', text(who).replace(/^.*\r\n/, heading + '\r\n'))
    assert.deepEqual(fields(made), ['person_id', 'space_id', 'relation', 'from_date'])
    return act(manager, made.import.id, 'check', { columns: fields(made) })
  }
  assert.deepEqual((await check('同名者')).errors[0].fields.map((f) => [f.field, f.code]), [['person_id', 'ambiguous']])
  assert.deepEqual((await check('没有这人')).errors[0].fields.map((f) => [f.field, f.code]), [['person_id', 'ref']])
  for (const who of ['独名者', '166 0000 0031']) {
    const good = await check(who)
    assert.deepEqual(good.errors, [])
    await act(manager, good.import.id, 'start')
    await until(manager, good.import.id, 'done')
  }
  const rows = expect(await manager.get(`occupancies?community_id=${house.community}&space_id=${space.id}&limit=200`), 200).items
  assert.equal(rows.filter((r) => r.from_date === '2024-03-05').length, 2)
})

test('taking back keeps what somebody changed or uses, and says so; a second try takes it when it is free', async () => {
  const made = await stage(manager, 'people', 'name,phone,kind\r\n撤一,16600000041,person\r\n撤二,16600000042,person\r\n撤三,16600000043,person\r\n')
  await act(manager, made.import.id, 'check', { columns: ['name', 'phone', 'kind'] })
  await act(manager, made.import.id, 'start')
  await until(manager, made.import.id, 'done')
  const [three, two, one] = (await people('撤')).items.sort((a, b) => b.id - a.id)
  expect(await manager.patch(`people/${one.id}`, { note: '改过' }, one.version), 200)
  const space = expect(await manager.get(`spaces?community_id=${house.community}&kind=unit&limit=1`), 200).items[0]
  const lives = expect(await manager.post('occupancies', { community_id: house.community, person_id: two.id, space_id: space.id, relation: 'owner', from_date: '2024-01-01' }), 201)
  await act(manager, made.import.id, 'undo')
  const undone = await until(manager, made.import.id, 'undone')
  assert.deepEqual([undone.import.done, undone.errors.length], [2, 2])
  assert.deepEqual((await people('撤')).items.map((p) => p.id).sort(), [one.id, two.id].sort())
  assert.equal(expect(await manager.get(`people/${three.id}`), 200).archived, true)
  expect(await manager.request('DELETE', `occupancies/${lives.id}`, undefined, { 'if-match': String(lives.version) }), 200)
  await act(manager, made.import.id, 'undo')
  for (let i = 0; i < 100 && (await people('撤')).total > 1; i++) await pause(100)
  assert.deepEqual((await people('撤')).items.map((p) => p.id), [one.id])
})

test('killed in the middle it goes on and nothing is there twice; cancelled it stops and goes on when told', async () => {
  const rows = 4000
  const text = 'name,phone,kind\r\n' + Array.from({ length: rows }, (_, i) => `大批${i},17${String(100000000 + i)},person\r\n`).join('')
  const made = await stage(manager, 'people', text)
  const { id } = made.import
  await act(manager, id, 'check', { columns: ['name', 'phone', 'kind'] })
  await act(manager, id, 'start')
  for (;;) {
    const now = expect(await manager.get(`imports/${id}`), 200).import
    if (now.done > 0) break
  }
  await house.server.kill()
  await house.server.restart()
  manager = await house.as('manager')
  const cancelled = await manager.post(`imports/${id}/cancel`, {})
  if (cancelled.status === 200) { // it may have been quicker
    const at = expect(await manager.get(`imports/${id}`), 200).import
    await pause(1500)
    assert.equal(expect(await manager.get(`imports/${id}`), 200).import.done, at.done, 'stopped is stopped')
    expect(await manager.post(`imports/${id}/cancel`, {}), 409)
    await act(manager, id, 'resume')
  }
  const done = await until(manager, id, 'done')
  assert.deepEqual([done.import.done, done.import.bad], [rows, 0])
  const count = (await database.run(`SELECT count(*), count(DISTINCT phone) FROM person WHERE name LIKE '大批%' AND archived = 0`)).map(String).join()
  assert.match(count, /4000.*4000/)
})

test('the tree of a new community: parents stand in the same file', async () => {
  const admin = await house.as('admin')
  const model = expect(await admin.get('communities?limit=1'), 200).items[0]
  const target = expect(await admin.post('communities', { name: '导入树', company_id: model.company_id }), 201).id
  const made = await stage(boss, 'spaces', 'name,kind,parent_id,code\r\n9栋,building,,B9\r\n1单元,entrance,B9,B9-1\r\n2层,floor,B9-1,B9-1-2\r\n201,unit,9栋1单元2层,\r\n', 'tree.csv', target)
  const checked = await act(boss, made.import.id, 'check', { columns: fields(made) })
  assert.deepEqual(checked.errors, [])
  await act(boss, made.import.id, 'start')
  await until(boss, made.import.id, 'done')
  const all = expect(await boss.get(`spaces?community_id=${target}&limit=50`), 200).items
  assert.ok(all.some((s) => s.path_name === '9栋1单元2层201'))
  await act(boss, made.import.id, 'undo')
  await until(boss, made.import.id, 'undone')
  assert.equal(expect(await boss.get(`spaces?community_id=${target}&limit=50`), 200).items.length, 0, 'children first, then parents')
})

test('nobody sees or steers an import of rows he may not load; not of another community either', async () => {
  const made = await stage(manager, 'people', 'name,phone,kind\r\n外人,16600000051,person\r\n')
  const other = await house.as('manager-b')
  for (const name of ['worker1', 'resident1', 'cashier', 'auditor']) {
    const who = await house.as(name)
    expect(await who.get(`imports/${made.import.id}`), 404)
    expect(await who.post(`imports/${made.import.id}/check`, { columns: ['name', 'phone', 'kind'] }), 404)
    expect(await who.post(`imports/${made.import.id}/undo`, {}), 404)
    expect(await who.get(`imports/${made.import.id}/errors.csv`), 404)
    const staged = await who.post(`imports?resource=people&community_id=${house.community}`, 'name\r\nx\r\n', CSV)
    assert.ok([403, 404].includes(staged.status), `${name}: ${staged.status}`)
  }
  expect(await other.get(`imports/${made.import.id}`), 404)
  expect(await other.post(`imports?resource=people&community_id=${house.community}`, 'name\r\nx\r\n', CSV), 404)
  assert.ok(expect(await manager.get(`imports?community_id=${house.community}&resource=people`), 200).items.some((b) => b.id === made.import.id))
})
