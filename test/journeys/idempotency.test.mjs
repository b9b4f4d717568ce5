// idempotency.test.mjs - a client that repeats itself (a phone in a lift) creates nothing twice.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Database } from '../lib/database.mjs'
import { act, expect, openHouse } from '../lib/house.mjs'

let house, desk
before(async () => {
  house = await openHouse()
  desk = await house.as('desk')
})
after(() => house.stop())
let keys = 0
const key = () => ({ 'idempotency-key': `phone-${process.pid}-${++keys}` })
const ticket = (title) => ({ community_id: house.community, kind: 'repair', title, channel: 'phone' })
const total = async () => expect(await desk.get('tickets?count=1&limit=1'), 200).total

test('the same key and body: the same answer, made once', async () => {
  const before = await total()
  const k = key()
  const first = await desk.post('tickets', ticket('一次'), k)
  expect(first, 201)
  for (let i = 0; i < 3; i++) {
    const again = await desk.post('tickets', ticket('一次'), k)
    expect(again, 201)
    assert.ok(again.bytes.equals(first.bytes))
    assert.equal(again.headers.get('location'), first.headers.get('location'))
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
  }
  assert.equal(first.headers.get('idempotent-replayed'), null)
  assert.equal(await total(), before + 1)
})

test('the same key with another body or address: 409', async () => {
  const k = key()
  expect(await desk.post('tickets', ticket('甲'), k), 201)
  expect(await desk.post('tickets', ticket('乙'), k), 409, 'idempotency')
  const t = await house.register(desk)
  expect(await desk.post(`tickets/${t.id}/comments`, ticket('甲'), k), 422)
  expect(await desk.post(`tickets/${t.id}/actions/accept`, {}, k), 409, 'idempotency')
})

test('answers that are secrets are not kept: a token asked for twice is two tokens, and none of them lies in the database', async () => {
  const security = await house.as('security')
  const ask = () => security.post('tokens', { name: '抄表程序' }, { 'idempotency-key': 'secret-once' })
  const [first, second] = [expect(await ask(), 201), expect(await ask(), 201)]
  assert.notEqual(first.token, second.token)
  const kept = await new Database(house.server).run('SELECT reply FROM idempotency')
  assert.ok(!kept.some((r) => r?.includes('anju_')), 'no token in the kept answers')
})

test('a key belongs to its user', async () => {
  const k = key()
  const mine = expect(await desk.post('tickets', ticket('同一个键'), k), 201)
  const other = expect(await (await house.as('dispatcher')).post('tickets', ticket('同一个键'), k), 201)
  assert.notEqual(mine.id, other.id)
})

test('a refused request keeps no key: corrected, it goes through', async () => {
  const k = key()
  expect(await desk.post('tickets', ticket(''), k), 422)
  expect(await desk.post('tickets', ticket('改好了'), k), 201)
  expect(await desk.post('tickets', ticket('改好了'), { 'idempotency-key': 'x'.repeat(201) }), 400)
  expect(await desk.post('tickets', ticket('改好了'), { 'idempotency-key': '' }), 400)
})

test('an action repeated answers as the first time', async () => {
  const t = await house.register(desk)
  const k = key()
  const first = expect(await desk.post(`tickets/${t.id}/actions/accept`, { version: 1 }, k), 200)
  assert.deepEqual(expect(await desk.post(`tickets/${t.id}/actions/accept`, { version: 1 }, k), 200), first)
  await act(desk, t, 'accept', {}, 409, 'state')
})

test('twenty at once with one key make one row', async () => {
  const before = await total()
  const k = key()
  const replies = await Promise.all(Array.from({ length: 20 }, () => desk.post('tickets', ticket('二十次'), k)))
  for (const r of replies) expect(r, 201)
  assert.equal(new Set(replies.map((r) => r.body.id)).size, 1)
  assert.equal(await total(), before + 1)
})
