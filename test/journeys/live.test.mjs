// live.test.mjs - whoever may see a change hears of it at once, nobody else ever does.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Database } from '../lib/database.mjs'
import { listen } from '../lib/events.mjs'
import { act, expect, openHouse } from '../lib/house.mjs'

let house
const ears = {}
before(async () => {
  house = await openHouse()
  await house.boss()
  for (const login of [
    'desk',
    'dispatcher',
    'worker1',
    'worker2',
    'resident1',
    'resident2',
    'cashier',
    'manager-b',
    'boss',
  ])
    ears[login] = await listen(house.url, (await house.as(login)).session().cookie)
})
after(async () => {
  for (const e of Object.values(ears)) e.close()
  await house.stop()
})

test('the stream is an event stream that nothing may keep', () => {
  assert.match(ears.desk.headers['content-type'], /^text\/event-stream/)
  assert.equal(ears.desk.headers['cache-control'], 'no-store')
})

test('each step is heard within a second by those who see the ticket, and by no others', async () => {
  const [desk, dispatcher, worker, resident] = await Promise.all(
    ['desk', 'dispatcher', 'worker1', 'resident1'].map(house.as),
  )
  const { person_id, space_id } = house.resident1
  const from = Object.fromEntries(Object.entries(ears).map(([login, e]) => [login, e.heard.length]))
  let t = await house.register(desk, { person_id, space_id })
  const heard = (login, topic) =>
    ears[login].next((e) => e.topic === topic && e.id === t.id, 1000, `${topic} for ${login}`)
  const created = await heard('desk', 'ticket.created')
  assert.deepEqual(created, {
    event: 'change',
    topic: 'ticket.created',
    resource: 'tickets',
    id: t.id,
    community_id: house.community,
    code: t.code,
  })
  const steps = [
    [desk, 'accept', {}, 'ticket.accepted'],
    [dispatcher, 'dispatch', { assignee_id: house.worker1.staff_id, reason: '就近' }, 'ticket.dispatched'],
    [worker, 'start', {}, 'ticket.started'],
    [worker, 'pause', { class: 'parts', reason: '等' }, 'ticket.paused'],
    [worker, 'resume', {}, 'ticket.resumed'],
    [worker, 'finish', { result: '好了' }, 'ticket.finished'],
    [desk, 'inform', { channel: 'phone', note: '告知' }, 'ticket.informed'],
    [resident, 'confirm', {}, 'ticket.closed'],
  ]
  for (const [who, action, input, topic] of steps) {
    t = await act(who, t, action, input)
    for (const login of ['desk', 'dispatcher', 'boss', 'resident1']) await heard(login, topic)
    if (t.assignee_id) await heard('worker1', topic)
  }
  expect(await resident.post(`tickets/${t.id}/rating`, { content: 5, attitude: 5, efficiency: 5, experience: 5 }), 201)
  await heard('desk', 'ticket.rated')
  expect(await desk.post(`tickets/${t.id}/comments`, { text: '内部', internal: true }), 201)
  await heard('desk', 'ticket.comment')
  // Everything above is committed and sent in order: what has not come by now never comes.
  const topics = (login) => ears[login].heard.slice(from[login]).filter((e) => e.id === t.id).map((e) => e.topic)
  for (const login of ['resident2', 'cashier', 'manager-b']) assert.deepEqual(topics(login), [], login)
  // Another worker hears that a free order came, and that it is gone; no more.
  assert.deepEqual(topics('worker2'), ['ticket.accepted', 'ticket.dispatched'])
  assert.ok(
    !ears.resident1.heard.some((e) => e.id === t.id && e.topic === 'ticket.comment'),
    'an internal note is not the customer’s',
  )
  assert.ok(
    ears.resident1.heard.slice(from.resident1).every((e) => e.id === t.id),
    'only his own',
  )
})

test('the second community hears only itself', async () => {
  const b = await house.as('manager-b')
  const t = await house.register(b, { community_id: house.otherCommunity, title: '二期门禁' })
  await ears['manager-b'].next((e) => e.id === t.id, 1000)
  await ears.boss.next((e) => e.id === t.id, 1000)
  assert.ok(ears['manager-b'].heard.every((e) => e.community_id === house.otherCommunity))
  for (const login of ['desk', 'dispatcher', 'worker1', 'resident1', 'cashier'])
    assert.ok(!ears[login].heard.some((e) => e.community_id === house.otherCommunity), login)
})

test('a clock that runs out is flagged by the minute job and heard', async () => {
  const desk = await house.as('desk')
  const t = await house.register(desk, { person_id: house.resident1.person_id })
  const database = new Database(house.server)
  await database.run(`UPDATE ticket SET respond_due = ${Date.now() - 1000}, clock_next = ${Date.now() - 1000} WHERE id = ${t.id}`)
  // This minute's run may be over: forgotten, it is due again, and any change wakes the jobs.
  await database.run("DELETE FROM job WHERE name = 'service.clocks'")
  await house.register(desk)
  await ears.desk.next((e) => e.topic === 'ticket.breached' && e.id === t.id, 15_000, 'the breach')
  await ears.resident1.next((e) => e.topic === 'ticket.breached' && e.id === t.id, 1000)
  const now = expect(await desk.get(`tickets/${t.id}`), 200)
  assert.deepEqual([now.respond_breached, now.handle_breached, now.version], [true, false, t.version + 1])
  assert.ok(expect(await desk.get('tickets?respond_breached=true&limit=200'), 200).items.some((x) => x.id === t.id))
  const item = expect(await desk.get(`tickets/${t.id}/timeline`), 200).items.find((i) => i.action === 'breach')
  assert.equal(item?.actor, null) // whoever is told of it is told in the same moment
})

test('seven days without objection: the system closes', async () => {
  const t = await house.ticketIn('informed')
  const desk = await house.as('desk')
  const database = new Database(house.server)
  await database.run(`UPDATE ticket SET informed_at = ${Date.now() - 7 * 86_400_000 - 1000} WHERE id = ${t.id}`)
  await database.run("DELETE FROM job WHERE name = 'service.auto_close'")
  await house.register(desk)
  await ears.desk.next((e) => e.topic === 'ticket.closed' && e.id === t.id, 15_000, 'the close')
  const item = expect(await desk.get(`tickets/${t.id}/timeline`), 200).items.at(-1)
  assert.deepEqual([item.action, item.from, item.to, item.actor], ['close', 'informed', 'closed', null])
})

test('a quiet line is kept open by a beat', async () => {
  await ears.cashier.until(() => ears.cashier.comments.includes('beat'), 30_000, 'a beat')
})

test('logout ends the stream at once; a changed role makes everybody come back with what he may hear now', async () => {
  const who = await house.login('desk')
  const own = await listen(house.url, who.session().cookie)
  expect(await who.del('session'), 204)
  await own.until(() => own.ended, 2000, 'the end of the stream')
  await assert.rejects(listen(house.url, who.session().cookie), /401/)

  const cashier = await house.as('cashier')
  const ear = await listen(house.url, cashier.session().cookie)
  const admin = await house.as('security')
  const grant = expect(await admin.get(`grants?user_id=${house.cashier.id}`), 200).items[0]
  expect(await admin.del(`grants/${grant.id}`, grant.version), 200)
  await ear.until(() => ear.ended, 2000, 'the end of the stream')
  const deaf = await listen(house.url, cashier.session().cookie)
  const t = await house.register(await house.as('desk'))
  const hears = await listen(house.url, (await house.as('dispatcher')).session().cookie)
  await act(await house.as('desk'), t, 'accept')
  await hears.next((e) => e.id === t.id && e.topic === 'ticket.accepted', 1000)
  assert.deepEqual(deaf.heard, [])
  for (const e of [deaf, hears]) e.close()
})
