// late.test.mjs - what a phone without signal sends later: steps, notes and photos with the time they happened, each kept
// once however often it is sent, also long after, also when the answer was lost.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Database } from '../lib/database.mjs'
import { act, expect, faults, openHouse, PNG, upload } from '../lib/house.mjs'
import { engine } from '../lib/server.mjs'

let house, desk, worker
before(async () => {
  house = await openHouse()
  desk = await house.as('desk')
  worker = await house.as('worker1')
  // The log lets nobody change it: only without its guard can a test give it a past.
  await new Database(house.server).run(engine === 'sqlite' ? 'DROP TRIGGER "event_no_UPDATE"' : 'ALTER TABLE event DISABLE TRIGGER ALL')
})
after(() => house.stop())
let keys = 0
const key = () => ({ 'idempotency-key': `late-${process.pid}-${++keys}` })
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString()
const same = (a, b) => assert.equal(Date.parse(a), Date.parse(b))
const timeline = async (who, t) => expect(await who.get(`tickets/${t.id}/timeline`), 200).items
const photo = (taken, name = 'a.png') => {
  const form = upload(PNG, name, 'after', 'image/png')
  form.append('taken_at', taken)
  return form
}
// The community's past: a ticket whose steps lie `minutes` back, so that there is room for what happened since.
async function dispatched(minutes = 300) {
  const t = await house.ticketIn('dispatched')
  const then = Date.now() - minutes * 60_000
  const db = new Database(house.server)
  await db.run(`UPDATE event SET at = ${then} WHERE subject_id = ${t.id}`)
  await db.run(`UPDATE ticket SET created_at = ${then}, respond_due = ${then + 86400_000}, handle_due = ${then + 86400_000} WHERE id = ${t.id}`)
  return t
}

test('steps are taken as of the time they happened, and the timeline says that they came later', async () => {
  const t = await dispatched()
  const [started, finished] = [ago(120), ago(60)]
  await act(worker, t, 'start', { happened_at: started })
  const done = await act(worker, t, 'finish', { happened_at: finished, result: '已换阀芯' })
  same(done.handled_at, started)
  same(done.resolved_at, finished)
  assert.ok(Date.parse(done.updated_at) > Date.parse(finished) + 50 * 60_000)
  for (const who of [desk, worker, await house.as('resident1')]) {
    const items = await timeline(who, t)
    const start = items.find((i) => i.action === 'start')
    same(start.at, started)
    assert.ok(Date.parse(start.recorded_at) > Date.parse(started) + 110 * 60_000)
    assert.equal(items.find((i) => i.action === 'dispatch').recorded_at, undefined)
  }
})

test('only the worker himself, not ahead, not beyond 72 hours, not before the last step: the field is named', async () => {
  const t = await dispatched()
  const at = async (who, action, input) => faults(await who.post(`tickets/${t.id}/actions/${action}`, input))
  assert.deepEqual(await at(worker, 'start', { happened_at: ago(-10) }), { happened_at: 'max' })
  assert.deepEqual(await at(worker, 'start', { happened_at: ago(73 * 60) }), { happened_at: 'min' })
  assert.deepEqual(await at(worker, 'start', { happened_at: ago(310) }), { happened_at: 'order' })
  assert.deepEqual(await at(worker, 'start', { happened_at: 'gestern' }), { happened_at: 'format' })
  await act(worker, t, 'start', { happened_at: ago(100) })
  await act(worker, t, 'finish', { happened_at: ago(50), result: '好了' })
  assert.deepEqual(await at(desk, 'inform', { happened_at: ago(10), channel: 'phone', note: '已告知' }), { happened_at: 'denied' })
  await act(desk, t, 'inform', { channel: 'phone', note: '已告知' })
})

test('notes and photos carry their time too, under the same rules', async () => {
  const t = await dispatched()
  const [noted, taken] = [ago(90), ago(80)]
  expect(await worker.post(`tickets/${t.id}/comments`, { text: '阀门在吊顶里', happened_at: noted }), 201)
  const file = expect(await worker.post(`tickets/${t.id}/files`, photo(taken)), 201)
  same(file.taken_at, taken)
  const items = await timeline(desk, t)
  same(items.find((i) => i.action === 'comment').at, noted)
  same(items.find((i) => i.action === 'attach').at, taken)
  assert.ok(items.find((i) => i.action === 'attach').recorded_at)
  same(expect(await desk.get(`tickets/${t.id}/files`), 200).items[0].taken_at, taken)
  assert.deepEqual(faults(await desk.post(`tickets/${t.id}/comments`, { text: 'x', happened_at: noted })), { happened_at: 'denied' })
  assert.deepEqual(faults(await desk.post(`tickets/${t.id}/files`, photo(taken))), { taken_at: 'denied' })
  assert.deepEqual(faults(await worker.post(`tickets/${t.id}/files`, photo(ago(400)))), { taken_at: 'order' })
  assert.deepEqual(faults(await worker.post(`tickets/${t.id}/files`, photo('nie'))), { taken_at: 'format' })
  assert.equal(expect(await desk.get(`tickets/${t.id}/files`), 200).items.length, 1)
  expect(await desk.post(`tickets/${t.id}/files`, upload(PNG, 'b.png', 'other', 'image/png')), 201)
})

test('sent twice, kept once: steps, notes, photos, one after the other and at the same time', async () => {
  const t = await dispatched()
  const [k1, k2, k3] = [key(), key(), key()]
  const note = { text: '一次', happened_at: ago(30) }
  const taken = ago(20)
  const send = () =>
    Promise.all([
      worker.post(`tickets/${t.id}/actions/start`, { happened_at: note.happened_at }, k1),
      worker.post(`tickets/${t.id}/comments`, note, k2),
      worker.post(`tickets/${t.id}/files`, photo(taken), k3),
    ])
  const first = await send()
  for (const again of [await send(), await send(), await send()])
    for (const [i, r] of again.entries()) {
      expect(r, first[i].status)
      assert.equal(r.headers.get('idempotent-replayed'), 'true')
      assert.deepEqual(r.body, first[i].body)
    }
  const at_once = { ...key() }
  const many = await Promise.all(Array.from({ length: 8 }, () => worker.post(`tickets/${t.id}/files`, photo(taken), at_once)))
  for (const r of many) expect(r, 201)
  assert.equal(new Set(many.map((r) => r.body.id)).size, 1)
  const items = await timeline(desk, t)
  for (const [action, n] of [['start', 1], ['comment', 1], ['attach', 2]])
    assert.equal(items.filter((i) => i.action === action).length, n, action)
})

test('the key of something late is known for seven days, of anything else for one', async () => {
  const t = await dispatched()
  const days = async (run) => {
    const db = new Database(house.server)
    const before = new Set(await db.run('SELECT id FROM idempotency'))
    await run(key())
    const rows = (await db.run('SELECT id, expires_at - at FROM idempotency')).map((l) => l.split('|')).filter(([id]) => !before.has(id))
    assert.equal(rows.length, 1)
    return Number(rows[0][1]) / 86400_000
  }
  assert.equal(await days((k) => worker.post(`tickets/${t.id}/comments`, { text: '现在' }, k)), 1)
  assert.equal(await days((k) => worker.post(`tickets/${t.id}/comments`, { text: '当时', happened_at: ago(5) }, k)), 7)
  assert.equal(await days((k) => worker.post(`tickets/${t.id}/files`, photo(ago(5)), k)), 7)
  assert.equal(await days((k) => worker.post(`tickets/${t.id}/actions/start`, { happened_at: ago(5) }, k)), 7)
})

test('killed while a photo comes in: sent again with its key it is there once', async () => {
  const t = await dispatched()
  const taken = ago(10)
  for (let round = 0; round < 4; round++) {
    const k = key()
    const lost = worker.post(`tickets/${t.id}/files`, photo(taken, `r${round}.png`), k).catch(() => null)
    if (round % 2) await new Promise((r) => setImmediate(r))
    else await lost // done, and the phone never learns it
    await house.server.kill()
    await lost
    await house.server.restart()
    expect(await worker.post(`tickets/${t.id}/files`, photo(taken, `r${round}.png`), k), 201)
    const names = expect(await worker.get(`tickets/${t.id}/files`), 200).items.map((f) => f.name)
    assert.equal(names.filter((n) => n === `r${round}.png`).length, 1, String(names))
  }
})
