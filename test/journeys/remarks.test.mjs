// remarks.test.mjs - what people write on a ticket is found: by staff all of it, by the customer what he is told, by nobody whose
// ticket it is not; a hit leads to the ticket, once; letters too. On both engines.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { act, expect, openHouse, patient } from '../lib/house.mjs'

let house, desk, manager
const who = {}
before(async () => {
  house = await openHouse()
  for (const name of ['desk', 'manager', 'dispatcher', 'worker1', 'worker2', 'cashier', 'resident1', 'resident2', 'manager-b']) who[name] = patient(await house.as(name))
  ;({ desk, manager } = who)
})
after(() => house.stop())

const found = async (one, q) => expect(await one.get(`search?q=${encodeURIComponent(q)}`), 200).items
const say = async (one, t, text, internal = false) => expect(await one.post(`tickets/${t.id}/comments`, { text, ...(internal ? { internal } : {}) }), 201)
const his = async () => {
  const { person_id } = (await house.as('resident1')).meta?.me ?? expect(await who.resident1.get('meta'), 200).me
  return house.register(desk, { title: '阳台窗扇松动', person_id })
}

test('a comment is found by its words, leads to its ticket, once, with the stretch where they stand', async () => {
  const t = await his()
  await say(desk, t, `${'上午打过电话没有人接,'.repeat(6)}邻居说钥匙放在紫藤花架后面,下午再去看一次`)
  await say(desk, t, '紫藤花架那边没有钥匙')
  const hits = await found(desk, '紫藤花架')
  assert.deepEqual(hits.map((x) => [x.resource, x.id]), [['tickets', t.id]])
  assert.equal(hits[0].title, '紫藤花架那边没有钥匙')
  assert.match(hits[0].subtitle, new RegExp(`${t.code}$`))
  const [long] = await found(desk, '花架后面')
  assert.match(long.title, /^….*紫藤花架后面.*$/)
  assert.ok(long.title.length < 65)
  assert.deepEqual(await found(desk, '紫藤花架 没有这回事'), [])
})

test('a ticket that answers by itself comes before those that are spoken of, and is there once', async () => {
  const t = await his(), other = await his()
  const named = await house.register(desk, { title: '凌霄廊灯不亮' })
  await say(desk, named, '凌霄廊灯已报电工')
  await say(desk, other, '和凌霄廊灯是同一路电')
  assert.deepEqual((await found(desk, '凌霄廊灯')).map((x) => x.id), [named.id, other.id])
  assert.ok(t.id)
})

test('what is internal is not the customer’s to find; what he is told is; and only on his own', async () => {
  const t = await his()
  await say(desk, t, '内部:业主上月投诉过木槿师傅', true)
  await say(desk, t, '您好,木槿苑的师傅明天上门')
  assert.deepEqual((await found(who.resident1, '木槿苑')).map((x) => x.id), [t.id])
  assert.deepEqual(await found(who.resident1, '木槿师傅'), [])
  assert.equal((await found(desk, '木槿师傅')).length, 1)
  assert.deepEqual(await found(who.resident2, '木槿'), [])
  assert.deepEqual(await found(who['manager-b'], '木槿'), [], 'nor in another community')
  for (const one of [who.resident1, who.resident2, who.worker1]) {
    const rows = expect(await one.get(`ticket-remarks?community_id=${house.community}&q=${encodeURIComponent('木槿')}&limit=50`), 200).items
    assert.equal(rows.length, one === who.resident1 ? 1 : 0)
  }
})

test('a worker finds what was written on his orders, and no longer once they are somebody else’s', async () => {
  let t = await house.register(desk, { title: '水泵房异响' })
  await act(desk, t, 'accept')
  await act(who.dispatcher, t, 'dispatch', { assignee_id: house.worker1.staff_id, reason: '就近安排' })
  await say(who.worker1, t, '轴承缺油,芙蓉泵房钥匙在门岗')
  assert.deepEqual((await found(who.worker1, '芙蓉泵房')).map((x) => x.id), [t.id])
  assert.deepEqual(await found(who.worker2, '芙蓉泵房'), [])
  await act(who.worker1, t, 'start')
  t = await act(who.worker1, t, 'pause', { class: 'parts', reason: '等银杏牌轴承' })
  assert.deepEqual((await found(manager, '银杏牌轴承')).map((x) => x.id), [t.id], 'why it waits')
})

test('a note to colleagues beside what the customer is told stays theirs', async () => {
  let t = await his()
  await act(desk, t, 'accept')
  await act(who.dispatcher, t, 'dispatch', { assignee_id: house.worker1.staff_id, reason: '就近安排' })
  await act(who.worker1, t, 'start')
  await act(who.worker1, t, 'finish', { result: '合页已换', comment: '业主家银桂盆栽很碍事' })
  await act(desk, t, 'inform', { channel: 'phone', note: '金桂合页换好了', comment: '丹桂那边再盯一下' })
  for (const q of ['银桂', '丹桂', '金桂合页']) assert.deepEqual((await found(desk, q)).map((x) => x.id), [t.id], q)
  for (const q of ['银桂', '丹桂']) assert.deepEqual(await found(who.resident1, q), [], q)
  t = await act(desk, t, 'return', { reason: '海棠又松了' })
  assert.deepEqual((await found(who.resident1, '海棠')).map((x) => x.id), [t.id], 'one text, told')
})

test('nobody writes, changes or removes a remark by itself', async () => {
  const [row] = expect(await manager.get(`ticket-remarks?community_id=${house.community}&limit=1`), 200).items
  assert.equal((await manager.post('ticket-remarks', { community_id: house.community, ticket_id: row.ticket_id, text: 'x' })).status, 405)
  assert.equal((await manager.patch(`ticket-remarks/${row.id}`, { text: 'x' }, row.version)).status, 405)
  assert.equal((await manager.del(`ticket-remarks/${row.id}`, row.version)).status, 405)
})

test('who may read letters but not the ticket finds nothing by them, and is not refused the rest', async () => {
  const security = await house.as('security')
  const role = expect(await security.post('roles', { key: 'postroom', name: '收发室', perms: 'ticket.desk estate.read' }), 201)
  const user = expect(await security.post('users', { login: 'postroom', name: '收发员', password: 'First-pass-1' }), 201)
  expect(await security.post('grants', { user_id: user.id, role_id: role.id, scope: 'community', scope_id: house.community }), 201)
  const post = await house.login('postroom', 'First-pass-1')
  expect(await post.post('session/password', { old: 'First-pass-1', new: 'Anju-2026-post' }), 200)
  const [letter] = expect(await desk.get(`letters?community_id=${house.community}&limit=1`), 200).items
  const words = letter.subject.slice(-12)
  assert.equal((await found(desk, words)).some((x) => x.id === letter.ticket_id), true)
  assert.deepEqual((await found(post, words)).filter((x) => x.resource === 'tickets'), [])
})
