// public_links.test.mjs - what works without a login: a link tells how one ticket stands and nothing about anybody, a rating
// link takes one vote and no more; whatever is not a link gets one answer; nobody makes a link of what he may not see.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { act, expect, faults, openHouse, patient } from '../lib/house.mjs'
import { Database } from '../lib/database.mjs'

let house, desk, anyone, db
before(async () => {
  house = await openHouse()
  desk = await house.as('desk')
  anyone = patient(await house.anyone())
  db = new Database(house.server)
})
after(() => house.stop())

const SECRET = /1391234|王建国|业主不在家|厨房|内部/
const link = async (who, ticket, kind = 'progress') => expect(await who.post(`tickets/${ticket.id}/public-links`, { kind }), 201)
const token = (made) => made.url.split('/')[2]
const progress = (t) => anyone.get(`public/progress/${t}`)

test('a link follows a ticket to its end and tells nothing about anybody', async () => {
  let t = await house.register(desk, { title: '厨房漏水 王建国', detail: '业主不在家', contact_name: '王建国', contact_phone: '13912345678', space_id: house.resident1.space_id, person_id: house.resident1.person_id })
  const made = await link(desk, t)
  assert.match(made.url, /^\/p\/[0-9a-f]{32}$/)
  assert.ok(Date.parse(made.expires_at) > Date.now() + 80 * 86400_000)
  let seen = expect(await progress(token(made)), 200)
  assert.deepEqual(Object.keys(seen), ['code', 'kind', 'state', 'respond_due', 'handle_due', 'resolve_due', 'expires_at', 'steps'])
  assert.deepEqual([seen.code, seen.kind, seen.state, seen.resolve_due, seen.steps.map((s) => s.step)], [t.code, 'repair', 'received', t.resolve_due, ['created']])
  const [dispatcher, worker, resident] = await Promise.all(['dispatcher', 'worker1', 'resident1'].map(house.as))
  t = await act(desk, t, 'accept', { comment: '内部:先联系' })
  expect(await desk.post(`tickets/${t.id}/comments`, { text: '内部备注', internal: true }), 201)
  t = await act(dispatcher, t, 'dispatch', { assignee_id: house.worker1.staff_id, reason: '内部:就近' })
  t = await act(worker, t, 'start')
  t = await act(worker, t, 'finish', { result: '厨房已修好' })
  t = await act(desk, t, 'inform', { channel: 'phone', note: '厨房已修好' })
  await act(resident, t, 'confirm')
  seen = expect(await progress(token(made)), 200)
  assert.equal(seen.state, 'closed')
  assert.deepEqual(seen.steps.map((s) => s.step), ['created', 'accepted', 'dispatched', 'started', 'finished', 'informed', 'closed'])
  assert.doesNotMatch(JSON.stringify(seen), SECRET)
  assert.ok(seen.steps.every((s, i) => i === 0 || Date.parse(s.at) >= Date.parse(seen.steps[i - 1].at)))
})

test('only the hash is kept, and nowhere the link', async () => {
  const t = await house.register(desk)
  const key = token(await link(desk, t))
  const { items } = expect(await desk.get(`public-links?ticket_id=${t.id}`), 200)
  const once = () => desk.post(`tickets/${t.id}/public-links`, { kind: 'progress' }, { 'idempotency-key': 'once' })
  assert.notEqual(expect(await once(), 201).url, expect(await once(), 201).url) // an answer that is kept would be a link that is kept
  assert.match((await fetch(`${house.url}/p/${key}`)).headers.get('x-robots-tag'), /noindex/)
  assert.deepEqual([items.length, items[0].kind, items[0].state, 'token_hash' in items[0]], [1, 'progress', 'live', false])
  for (const [table, column] of [['public_link', 'token_hash'], ['event', 'data'], ['idempotency', 'reply'], ['job', 'data']])
    assert.deepEqual(await db.run(`SELECT count(*) FROM ${table} WHERE ${column} LIKE '%${key}%'`), ['0'], table)
})

test('whatever is no link has one answer', async () => {
  const t = await house.register(desk)
  const [live, gone, over] = [await link(desk, t), await link(desk, t), await link(desk, t)].map(token)
  const rows = expect(await desk.get(`public-links?ticket_id=${t.id}&sort=id`), 200).items
  const id = async (i) => rows.map((r) => r.id).sort((a, b) => a - b)[i]
  expect(await desk.post(`public-links/${await id(1)}/actions/revoke`, {}), 200)
  await db.run(`UPDATE public_link SET expires_at = 1 WHERE id = ${await id(2)}`)
  assert.equal((await progress(live)).status, 200)
  const said = new Set()
  for (const bad of [gone, over, live.toUpperCase(), live.slice(1), live + '0', '0'.repeat(32), '0', '1', 'x'.repeat(900), '%F0%9F%92%A9', '%27%20OR%201=1--', '-', '%20', '*'])
    said.add(JSON.stringify(((r) => [r.status, r.body.code, r.body.title, r.body.detail])(await progress(bad))))
  assert.equal(said.size, 1)
  assert.match([...said][0], /404.*not_found/)
  assert.equal((await progress(live)).status, 200)
})

test('addresses that cannot be read are refused before anything looks at them', async () => {
  const ask = (path) =>
    new Promise((done, fail) => {
      let text = ''
      const socket = connect({ port: Number(new URL(house.url).port), host: '127.0.0.1' }, () => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`))
      socket.on('data', (part) => (text += part)).on('close', () => done(Number(text.match(/^HTTP\/1\.1 (\d{3})/)?.[1]))).on('error', fail)
    })
  for (const [path, status] of [['/api/v1/public/progress/%00', 400], ['/api/v1/public/progress/a%00b', 400], ['/api/v1/public/progress/%ff', 400], [`/api/v1/public/progress/${'a'.repeat(9000)}`, 414], ['/api/v1/public/progress/..', 400], ['/api/v1/public/progress/', 404]])
    assert.equal(await ask(path), status, path.slice(0, 60))
  assert.equal((await fetch(`${house.url}/api/v1/public/progress/x`, { method: 'POST' })).status, 405)
})

test('who may not see the ticket, or does not work here, makes no link of it', async () => {
  const t = await house.ticketIn('accepted')
  for (const [login, status] of [['manager-b', 404], ['cashier', 403], ['resident1', 403], ['resident2', 403], ['worker2', 201]]) // the pool of free orders is every worker's
    assert.equal((await (await house.as(login)).post(`tickets/${t.id}/public-links`, { kind: 'progress' })).status, status, login)
  const taken = await house.ticketIn('dispatched')
  expect(await (await house.as('worker2')).post(`tickets/${taken.id}/public-links`, { kind: 'progress' }), 403)
  expect(await (await house.as('worker1')).post(`tickets/${taken.id}/public-links`, { kind: 'progress' }), 201)
  expect(await anyone.post(`tickets/${t.id}/public-links`, { kind: 'progress' }), 401)
  assert.deepEqual(faults(await desk.post(`tickets/${t.id}/public-links`, { kind: 'all' })), { kind: 'choice' })
  assert.deepEqual(faults(await desk.post(`tickets/${t.id}/public-links`, {})), { kind: 'required' })
  // Another community's manager neither lists nor withdraws it.
  const other = await house.as('manager-b')
  const [row] = expect(await desk.get(`public-links?ticket_id=${taken.id}`), 200).items
  expect(await other.get(`public-links/${row.id}`), 404)
  expect(await other.post(`public-links/${row.id}/actions/revoke`, {}), 404)
  assert.ok(!expect(await other.get('public-links?limit=200'), 200).items.some((r) => r.id === row.id))
  expect(await desk.post(`public-links/${row.id}/actions/use`, {}), 403)
})

test('a ticket has twenty live links at most', async () => {
  const t = await house.register(desk)
  for (let i = 0; i < 20; i++) await link(desk, t)
  expect(await desk.post(`tickets/${t.id}/public-links`, { kind: 'progress' }), 413, 'too_large')
  const [row] = expect(await desk.get(`public-links?ticket_id=${t.id}`), 200).items
  expect(await desk.post(`public-links/${row.id}/actions/revoke`, {}), 200)
  expect(await desk.post(`public-links/${row.id}/actions/revoke`, {}), 409)
  await link(desk, t)
})

const vote = (t, body) => anyone.post(`public/rating/${t}`, body)
const ballot = (t) => anyone.get(`public/rating/${t}`)

test('a rating link takes one vote, by a POST, as the customer’s own', async () => {
  const t = await house.ticketIn('informed')
  const [first, second] = [token(await link(desk, t, 'rate')), token(await link(desk, t, 'rate'))]
  for (let i = 0; i < 3; i++) { // mail scanners open links, and ask for their heads
    const seen = expect(await ballot(first), 200)
    assert.deepEqual([seen.code, seen.state], [t.code, 'informed'])
    assert.equal((await fetch(`${house.url}/api/v1/public/rating/${first}?score=1`)).status, 200)
    assert.equal((await fetch(`${house.url}/api/v1/public/rating/${first}`, { method: 'HEAD' })).status, 200)
    assert.equal((await fetch(`${house.url}/v/${first}`)).status, 200)
  }
  assert.equal(expect(await desk.get(`tickets/${t.id}`), 200).rating, null)
  assert.deepEqual(faults(await vote(first, { score: 6 })), { score: 'max' })
  assert.deepEqual(faults(await vote(first, {})), { score: 'required' })
  assert.deepEqual(faults(await vote(first, { score: 5, comment: 'x\n'.repeat(10_000) })), { comment: 'max' })
  assert.deepEqual(faults(await vote(first, { score: 5, ticket_id: 7 })), { ticket_id: 'unknown' })
  expect(await anyone.get(`public/progress/${first}`), 404) // for rating, not for reading
  expect(await vote(token(await link(desk, t)), { score: 5 }), 404)
  assert.equal(expect(await vote(first, { score: 5, comment: '很快' }), 201).score, 5)
  const again = await vote(first, { score: 1 })
  expect(again, 409, 'exists')
  assert.match(again.body.detail, /used|用过/)
  expect(await ballot(first), 409, 'exists')
  expect(await vote(second, { score: 1 }), 409, 'exists')
  expect(await ballot(second), 409, 'exists')
  const rated = expect(await desk.get(`tickets/${t.id}`), 200)
  assert.deepEqual(rated.rating, { content: 5, attitude: 5, efficiency: 5, experience: 5, comment: '很快' })
  assert.deepEqual(rated.visits, [])
  expect(await (await house.as('resident1')).post(`tickets/${t.id}/rating`, { content: 1, attitude: 1, efficiency: 1, experience: 1 }), 409, 'exists')
  const step = expect(await desk.get(`tickets/${t.id}/timeline`), 200).items.find((i) => i.topic === 'ticket.rated')
  assert.equal(step.actor, null)
  expect(await desk.post(`tickets/${t.id}/public-links`, { kind: 'rate' }), 409, 'exists')
})

test('a low mark by a link opens the follow-up that a logged-in one opens', async () => {
  const resident = await house.as('resident1')
  const [by_link, by_login] = [await house.ticketIn('closed'), await house.ticketIn('closed')]
  expect(await vote(token(await link(desk, by_link, 'rate')), { score: 2, comment: '没修好' }), 201)
  expect(await resident.post(`tickets/${by_login.id}/rating`, { content: 2, attitude: 2, efficiency: 2, experience: 2 }), 201)
  const low = async (t) => expect(await desk.get(`tickets/${t.id}`), 200).visits.filter((v) => v.why === 'low_score').map((v) => [v.why, v.state, v.score])
  assert.deepEqual(await low(by_link), [['low_score', 'open', null]])
  assert.deepEqual(await low(by_link), await low(by_login))
  const fine = await house.ticketIn('closed')
  expect(await vote(token(await link(desk, fine, 'rate')), { score: 3 }), 201)
  assert.deepEqual(await low(fine), [])
})

test('a vote comes in time, of a ticket that was answered, and of ten at once one counts', async () => {
  const open = await house.ticketIn('in_progress')
  expect(await desk.post(`tickets/${open.id}/public-links`, { kind: 'rate' }), 409, 'state')
  const t = await house.ticketIn('informed')
  const made = await link(desk, t, 'rate')
  assert.ok(Math.abs(Date.parse(made.expires_at) - Date.parse(t.informed_at) - 14 * 86400_000) < 2000)
  const key = token(made)
  await db.run(`UPDATE public_link SET expires_at = ${Date.now() - 1} WHERE ticket_id = ${t.id}`)
  for (const reply of [await ballot(key), await vote(key, { score: 5 })]) {
    expect(reply, 409, 'state')
    assert.match(reply.body.detail, /14/)
  }
  await db.run(`UPDATE public_link SET expires_at = ${Date.now() + 60_000} WHERE ticket_id = ${t.id}`)
  await act(await house.as('resident1'), t, 'return', { reason: '又漏了' })
  expect(await vote(key, { score: 1 }), 409, 'state') // it goes on: nothing to rate yet
  const done = await house.ticketIn('informed')
  const race = token(await link(desk, done, 'rate'))
  const all = await Promise.all(Array.from({ length: 10 }, (_, i) => vote(race, { score: 1 + (i % 5) })))
  assert.equal(all.filter((r) => r.status === 201).length, 1, all.map((r) => r.status).join())
  assert.ok(all.every((r) => r.status === 201 || r.status === 409))
  assert.deepEqual(await db.run(`SELECT count(*) FROM rating WHERE ticket_id = ${done.id}`), ['1'])
})

test('a session beside it adds nothing to a link and needs no page token', async () => {
  const t = await house.ticketIn('informed')
  const key = token(await link(desk, t, 'rate'))
  const { cookie } = (await house.as('resident2')).session()
  const reply = await fetch(`${house.url}/api/v1/public/rating/${key}`, { method: 'POST', headers: { 'content-type': 'application/json', cookie }, body: '{"score":4}' })
  assert.equal(reply.status, 201)
  assert.deepEqual(await db.run(`SELECT count(*) FROM rating WHERE ticket_id = ${t.id} AND created_by IS NULL`), ['1'])
})

test('one address asks so often and no more', async () => {
  const statuses = await Promise.all(Array.from({ length: 90 }, () => fetch(`${house.url}/api/v1/public/progress/0`).then((r) => r.status)))
  assert.ok(statuses.includes(429) && statuses.includes(404), statuses.join())
  const own = await fetch(`${house.url}/healthz`)
  assert.equal(own.status, 200)
})
