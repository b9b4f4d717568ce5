// matrix.test.mjs - every operation of /openapi.json × every login × own and other community × own and other row. The right an
// operation needs stands in the document, what a login holds in its /meta: nobody gets further than the two say. A new route
// or role is tried here without a word.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, LOGINS, openHouse, PNG, upload } from '../lib/house.mjs'
import { openapi } from '../lib/openapi.mjs'

let house, operations, rows
const ACTIONS = ['accept', 'dispatch', 'grab', 'finish', 'inform', 'cancel', 'confirm']
// What a login may do to itself without any right.
const OWN = /^\/api\/v1\/(session|meta|events|search|me\/)/
before(async () => {
  house = await openHouse()
  const boss = await house.boss()
  const { json } = await openapi(house.url)
  operations = Object.entries(json.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, o]) => ({
        path,
        method: method.toUpperCase(),
        perm: o.description?.match(/Needs the permission ([\w.]+)\./)?.[1],
        open: Array.isArray(o.security) && o.security.length === 0,
      })),
  )
  rows = { mine: {}, theirs: {} }
  const security = await house.as('security')
  for (const [name, community] of [['mine', house.community], ['theirs', house.otherCommunity]]) {
    const t = expect(await boss.post('tickets', { community_id: community, kind: 'repair', title: '矩阵', channel: 'phone' }), 201)
    expect(await boss.post(`tickets/${t.id}/files`, upload(PNG, 'x.png', 'before')), 201)
    rows[name].tickets = t.id
    rows[name].files = expect(await boss.get(`tickets/${t.id}/files`), 200).items[0].id
    for (const path of new Set(operations.filter((o) => o.path.endsWith('/{id}')).map((o) => o.path.split('/')[3]))) {
      if (rows[name][path]) continue
      const list = await boss.get(`${path}?community_id=${community}&limit=1`)
      const all = list.status === 200 ? list : await security.get(`${path}?limit=1`)
      if (all.status === 200 && all.body.items?.[0]) rows[name][path] = all.body.items[0].id
    }
  }
})
after(() => house.stop())

const address = (o, where, action) => {
  const community = where === 'mine' ? house.community : house.otherCommunity
  const id = rows[where][o.path.split('/')[3]] ?? 8_999_999_999_999_999
  const path = o.path.replace('{id}', id).replace('{action}', action)
  return `${path}?community_id=${community}`
}
function send(who, o, where, action = 'accept') {
  const to = address(o, where, action)
  if (o.path.endsWith('/import')) return who.post(to, 'name\r\nx\r\n', { 'content-type': 'text/csv' })
  if (o.path.endsWith('/files') && o.method === 'POST') return who.post(to, upload(PNG, 'x.png', 'after'))
  return who.request(o.method, to, o.method === 'GET' ? undefined : {}, { 'if-match': '0' })
}
// It is faster here than a person may be.
async function patient(ask) {
  let reply = await ask()
  for (let i = 0; i < 30 && reply.status === 429; i++) {
    await pause(1000)
    reply = await ask()
  }
  return reply
}
// Addresses that end the session or never answer.
const skipped = (o) => o.path.endsWith('/events') || (o.path.endsWith('/session') && o.method !== 'GET') || /session\/(others|list)/.test(o.path)

test('who is not logged in gets nothing that is not open to all', async () => {
  const anyone = await house.anyone()
  let closed = 0
  for (const o of operations.filter((x) => !skipped(x))) {
    const reply = await send(anyone, o, 'mine')
    const open = o.path.endsWith('/signed') || o.path === '/api/v1/session' || /^\/(open311|api\/v1\/public)\//.test(o.path) // open311.test.mjs, public_links.test.mjs, qr.test.mjs
    if (open) continue
    assert.ok([401, 429].includes(reply.status), `${o.method} ${o.path}: ${reply.status}`)
    closed++
  }
  assert.ok(closed > 100, `${closed}`)
})

test('every operation × login × community × row: nobody gets further than his rights', async () => {
  let tried = 0
  let refused = 0
  // All at once: how fast one may go is counted for each, and most of the time is spent waiting for that.
  await Promise.all(LOGINS.map(async (login) => {
    const who = await house.as(login)
    const { permissions, communities } = await house.meta(login)
    for (const o of operations.filter((x) => !skipped(x)))
      for (const where of ['mine', 'theirs'])
        for (const action of o.path.includes('{action}') ? ACTIONS : ['']) {
          const reply = OWN.test(o.path) ? await send(who, o, where, action) : await patient(() => send(who, o, where, action))
          const what = `${login} ${o.method} ${o.path} ${where} ${action}: ${reply.status} ${JSON.stringify(reply.body)?.slice(0, 200)}`
          tried++
          assert.ok(reply.status < 500, what)
          if (OWN.test(o.path)) continue
          const community = where === 'mine' ? house.community : house.otherCommunity
          const reaches = communities.some((c) => c.id === community)
          if (o.perm && !permissions.includes(o.perm)) {
            assert.equal(reply.status, 403, what)
            refused++
          } else if (o.path.includes('{id}') && !reaches && reply.status < 300) {
            // Rows of the company itself belong to no community: users, roles, grants, policies.
            assert.match(o.path, /^\/api\/v1\/(users|roles|grants|tokens|login-policies|companies|branches|communities)\//, what)
          }
        }
  }))
  assert.ok(tried > 3000 && refused > 1000, `${tried} tried, ${refused} refused`)
})

test('own and other rows in one community: residents and workers keep to their own', async () => {
  const [one, two, worker, other] = await Promise.all(['resident1', 'resident2', 'worker1', 'worker2'].map((l) => house.as(l)))
  const mine = await house.register(one, {}, 'app')
  const order = await house.ticketIn('in_progress')
  const about = (id) => operations.filter((o) => o.path.startsWith('/api/v1/tickets/{id}')).flatMap((o) =>
    (o.path.includes('{action}') ? ACTIONS : ['']).map((a) => [o, o.path.replace('{id}', id).replace('{action}', a)]))
  for (const [who, id, stranger] of [[two, mine.id, 'resident'], [other, order.id, 'worker'], [two, order.id, 'resident']])
    for (const [o, path] of about(id)) {
      const body = o.path.endsWith('/files') && o.method === 'POST' ? upload(PNG, 'x.png', 'after') : o.method === 'GET' ? undefined : {}
      const reply = await patient(() => who.request(o.method, path, body, { 'if-match': '0' }))
      assert.ok([403, 404, 409, 422].includes(reply.status), `${stranger} ${o.method} ${path}: ${reply.status}`)
      if ([409, 422].includes(reply.status)) assert.doesNotMatch(JSON.stringify(reply.body), /厨房水龙头/, 'says nothing of the row')
    }
  assert.equal(expect(await one.get(`tickets/${mine.id}`), 200).id, mine.id)
  assert.equal(expect(await worker.get(`tickets/${order.id}`), 200).id, order.id)
})
