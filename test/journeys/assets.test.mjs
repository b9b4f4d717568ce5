// assets.test.mjs - the equipment ledger: numbered, imported, stopped and retired on record; a ticket about an asset agrees with
// its place, is found by its name and proposed by it; nothing of it reaches another community.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { expect, faults, openHouse } from '../lib/house.mjs'

let house, manager, desk, worker, resident, other, entrance, elsewhere, theirs
const CSV = { 'content-type': 'text/csv' }
before(async () => {
  house = await openHouse()
  ;[manager, desk, worker, resident, other] = await Promise.all(['manager', 'desk', 'worker1', 'resident1', 'manager-b'].map(house.as))
  const home = expect(await desk.get(`spaces/${house.resident1.space_id}`), 200)
  const floor = expect(await desk.get(`spaces/${home.parent_id}`), 200)
  entrance = expect(await desk.get(`spaces/${floor.parent_id}`), 200)
  elsewhere = expect(await desk.get(`spaces?community_id=${house.community}&kind=area&limit=1`), 200).items[0]
  theirs = expect(await other.get('assets?limit=1'), 200).items[0]
})
after(() => house.stop())

let n = 0
const body = (more = {}) => ({ community_id: house.community, name: `货梯${++n}号`, system: 'lift', space_id: entrance.id, ...more })
const made = async (more) => expect(await manager.post('assets', body(more)), 201)
const to = async (asset, action, input, status = 200) => expect(await manager.post(`assets/${asset.id}/actions/${action}`, input), status)
const ticket = (more, who = desk) => who.post('tickets', { community_id: house.community, kind: 'repair', title: '电梯有异响', channel: 'phone', ...more })

test('the ledger is the manager’s; all who work there read it; a number comes by itself', async () => {
  const lift = await made({ model: 'LEHY-3', serial_number: 'SN-778812', installed_on: '2020-05-01', warranty_until: '2022-05-01' })
  assert.match(lift.code, /^DT-\d{4}$/)
  assert.equal(lift.state, 'in_use')
  assert.notEqual((await made()).code, lift.code)
  for (const login of ['desk', 'dispatcher', 'worker1', 'cashier']) {
    const who = await house.as(login)
    assert.equal(expect(await who.get(`assets/${lift.id}`), 200).serial_number, 'SN-778812')
    assert.equal((await who.post('assets', body())).status, 403, login)
    assert.equal((await who.patch(`assets/${lift.id}`, { name: 'x' }, lift.version)).status, 403, login)
    assert.equal((await who.post(`assets/${lift.id}/actions/stop`, { reason: 'x' })).status, 403, login)
  }
  expect(await resident.get('assets'), 403)
  expect(await resident.get(`assets/${lift.id}`), 403)
  // By number, name, model, serial number, and by where it stands.
  for (const q of [lift.code, lift.name, 'LEHY-3', '778812', `${lift.name} ${entrance.path_name}`])
    assert.ok(expect(await desk.get(`assets?community_id=${house.community}&q=${encodeURIComponent(q)}`), 200).items.some((a) => a.id === lift.id), q)
})

test('what cannot be is told by field; nothing is made', async () => {
  const count = async () => expect(await desk.get(`assets?community_id=${house.community}&count=1&limit=1`), 200).total
  const before = await count()
  const [taken] = expect(await desk.get(`assets?community_id=${house.community}&limit=1`), 200).items
  for (const [more, want] of [
    [{ name: undefined, system: undefined, space_id: undefined }, { name: 'required', system: 'required', space_id: 'required' }],
    [{ system: 'boat' }, { system: 'choice' }], [{ space_id: theirs.space_id }, { space_id: 'ref' }], [{ space_id: -1 }, { space_id: 'ref' }], [{ space_id: 'x' }, { space_id: 'type' }],
    [{ responsible_id: 1 }, { responsible_id: 'ref' }], [{ code: taken.code }, { code: 'unique' }], [{ code: 'x'.repeat(41) }, { code: 'max' }], [{ name: '' }, { name: 'required' }],
    [{ installed_on: '2026-02-30' }, { installed_on: 'format' }], [{ installed_on: '2020-05-01', warranty_until: '2020-04-30' }, { warranty_until: 'order' }],
    [{ installed_on: '2999-01-01' }, { installed_on: 'max' }], [{ state: 'retired' }, { state: 'read_only' }], [{ colour: 'red' }, { colour: 'unknown' }],
  ]) {
    const reply = await manager.post('assets', body(more))
    const got = faults(reply)
    assert.deepEqual(Object.keys(got).sort(), Object.keys(want).sort(), JSON.stringify(reply.body))
    if (!('state' in want) && !('space_id' in want) && !('name' in want) && !('installed_on' in want)) assert.deepEqual(got, want)
    assert.ok(reply.body.fields.every((f) => f.message))
  }
  assert.equal(await count(), before)
})

test('out of order and back, retired and taken back: each with its reason, on record', async () => {
  const lift = await made()
  assert.deepEqual(lift.actions ?? expect(await manager.get(`assets/${lift.id}`), 200).actions, ['stop', 'retire'])
  assert.deepEqual(faults(await manager.post(`assets/${lift.id}/actions/stop`, {})), { reason: 'required' })
  assert.equal((await to(lift, 'stop', { reason: '钢丝绳断股' })).state, 'out_of_order')
  expect(await ticket({ asset_id: lift.id }), 201) // all the more
  assert.equal((await to(lift, 'restore', {})).state, 'in_use')
  assert.equal((await to(lift, 'retire', { reason: '整机更新' })).state, 'retired')
  expect(await manager.post(`assets/${lift.id}/actions/restore`, {}), 409)
  assert.deepEqual(faults(await ticket({ asset_id: lift.id })), { asset_id: 'retired' })
  const text = JSON.stringify(expect(await manager.get(`assets/${lift.id}/timeline`), 200).items)
  for (const said of ['钢丝绳断股', '整机更新', 'asset.retired']) assert.ok(text.includes(said), said)
  assert.equal((await to(lift, 'take_back', { reason: '填错了' })).state, 'out_of_order')
  expect(await ticket({ asset_id: lift.id }), 201)
})

test('a ticket’s asset and place agree; without a place its own is taken; the desk mends both', async () => {
  const lift = await made()
  const alone = expect(await ticket({ asset_id: lift.id }), 201)
  assert.equal(alone.space_id, entrance.id)
  const home = expect(await ticket({ asset_id: lift.id, space_id: house.resident1.space_id }), 201) // from upstairs
  assert.equal(home.space_id, house.resident1.space_id)
  for (const lang of ['zh', 'en']) {
    const wrong = await desk.request('POST', 'tickets', { community_id: house.community, kind: 'repair', title: 'x', channel: 'phone', asset_id: lift.id, space_id: elsewhere.id }, { 'accept-language': lang })
    assert.deepEqual(faults(wrong), { asset_id: 'place' })
    assert.match(wrong.body.fields[0].message, lang === 'zh' ? /清空地点/ : /clear the place/)
  }
  assert.deepEqual(faults(await desk.patch(`tickets/${home.id}`, { space_id: elsewhere.id }, home.version)), { asset_id: 'place' })
  const moved = expect(await desk.patch(`tickets/${home.id}`, { space_id: elsewhere.id, asset_id: null }, home.version), 200)
  assert.deepEqual([moved.space_id, moved.asset_id], [elsewhere.id, null])
  const again = expect(await desk.patch(`tickets/${home.id}`, { space_id: null, asset_id: lift.id }, moved.version), 200)
  assert.equal(again.space_id, entrance.id)
  for (const asset_id of [theirs.id, 8_999_999_999_999_999]) assert.deepEqual(faults(await ticket({ asset_id })), { asset_id: 'ref' })
  assert.deepEqual(faults(await ticket({ asset_id: lift.id, channel: 'app' }, resident)), { asset_id: 'denied' })
  expect(await ticket({ asset_id: lift.id }, worker), 201) // who stands before it
  assert.deepEqual(expect(await desk.get(`tickets?community_id=${house.community}&asset_id=${lift.id}&limit=50`), 200).items.map((t) => t.asset_id), [lift.id, lift.id, lift.id])
})

test('it is found by its asset’s name, and again when that is renamed; told already is proposed by the asset', async () => {
  const lift = await made({ name: '观光梯甲' })
  const t = expect(await ticket({ asset_id: lift.id }), 201)
  const find = async (q) => expect(await desk.get(`tickets?community_id=${house.community}&q=${encodeURIComponent(q)}`), 200).items.map((x) => x.id)
  assert.deepEqual(await find('观光梯甲'), [t.id])
  assert.deepEqual(await find('异响 观光梯甲'), [t.id])
  expect(await manager.patch(`assets/${lift.id}`, { name: '观光梯乙' }, lift.version), 200)
  assert.deepEqual([await find('观光梯甲'), await find('观光梯乙')], [[], [t.id]])
  const alike = expect(await desk.get(`desk/alike?community_id=${house.community}&asset_id=${lift.id}`), 200).items
  assert.deepEqual(alike.map((a) => [a.id, a.why]), [[t.id, ['asset']]])
  const both = expect(await desk.get(`desk/alike?community_id=${house.community}&asset_id=${lift.id}&space_id=${entrance.id}`), 200).items
  assert.deepEqual([both[0].id, both[0].why], [t.id, ['asset', 'place']])
})

test('a place names what stands there, above and below, and no more', async () => {
  const lift = await made()
  const gone = await made()
  await to(gone, 'retire', { reason: '拆除' })
  const lamp = await made({ space_id: elsewhere.id, system: 'lighting' })
  const near = async (id, who = desk) => expect(await who.get(`spaces/${id}/assets`), 200).items
  for (const id of [house.resident1.space_id, entrance.id, entrance.parent_id]) {
    const ids = (await near(id)).map((a) => a.id)
    assert.ok(ids.includes(lift.id) && !ids.includes(gone.id) && !ids.includes(lamp.id))
  }
  assert.ok((await near(elsewhere.id, worker)).some((a) => a.id === lamp.id))
  expect(await other.get(`spaces/${entrance.id}/assets`), 404)
  expect(await resident.get(`spaces/${entrance.id}/assets`), 403)
})

test('a ledger comes from a sheet by place code, checked first, and goes out again', async () => {
  const path = `assets/import?community_id=${house.community}`
  const sheet = (rows) => 'code,name,system,space_id,installed_on\r\n' + rows.join('\r\n') + '\r\n'
  const bad = sheet([`YL-1,一号秋千,amenity,${elsewhere.code},2024-03-01`, `YL-1,二号秋千,amenity,${elsewhere.code},`, ',三号秋千,swing,nowhere,2024-13-01'])
  const report = expect(await manager.post(path + '&dry_run=1', bad, CSV), 200)
  assert.deepEqual([report.rows, report.ok, report.failed, report.batch_id], [3, 1, 2, null], JSON.stringify(report))
  const count = async () => expect(await desk.get(`assets?community_id=${house.community}&q=秋千&count=1`), 200).total
  assert.equal(await count(), 0)
  const good = expect(await manager.post(path, sheet([`YL-1,一号秋千,amenity,${elsewhere.code},2024-03-01`, `,二号秋千,amenity,${elsewhere.code},`]), CSV), 200)
  assert.deepEqual([good.ok, good.failed], [2, 0], JSON.stringify(good))
  const rows = expect(await desk.get(`assets?community_id=${house.community}&q=秋千`), 200).items
  assert.deepEqual(rows.map((a) => [a.name, a.space_id, a.state]).sort(), [['一号秋千', elsewhere.id, 'in_use'], ['二号秋千', elsewhere.id, 'in_use']])
  assert.ok(rows.some((a) => a.code === 'YL-1') && rows.some((a) => /^JS-\d{4}$/.test(a.code)))
  const out = await manager.get(`assets/export.csv?community_id=${house.community}&q=${encodeURIComponent('秋千')}`)
  assert.equal(out.status, 200)
  assert.match(out.bytes.toString(), /一号秋千/)
})
