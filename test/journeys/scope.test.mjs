// scope.test.mjs - no role reads or changes another community, on any address; inside one's own only what the role is for.
// The addresses come from /openapi.json: a new one is tried here without a word.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { expect, openHouse, patient, PNG, reveal, upload } from '../lib/house.mjs'
import { openapi } from '../lib/openapi.mjs'

let house, admin, boss, doc, resources
const INSIDERS = ['manager', 'desk', 'dispatcher', 'worker1', 'cashier', 'resident1']
const strangers = () => [...INSIDERS.map((login) => [login, house.otherCommunity]), ['manager-b', house.community]]
before(async () => {
  house = await openHouse()
  const as = house.as
  house.as = async (login) => patient(await as(login))
  admin = await house.as('admin')
  boss = patient(await house.boss())
  doc = (await openapi(house.url)).json
  resources = ['admin', 'boss'].map(house.meta)
  resources = Object.values(Object.assign({}, ...(await Promise.all(resources)).map((m) => m.resources)))
  // Something of everything in both communities.
  for (const community_id of [house.community, house.otherCommunity]) {
    const t = expect(
      await boss.post('tickets', { community_id, kind: 'repair', title: '机密标题', channel: 'phone' }),
      201,
    )
    expect(await boss.post(`tickets/${t.id}/files`, upload(PNG, 'secret.png', 'before')), 201)
    expect(await boss.post('people', { community_id, name: '机密住户', phone: '13911112222' }), 201)
  }
})
after(() => house.stop())
const rowsOf = async (path, community) =>
  expect(await (community ? boss : admin).get(`${path}?limit=5${community ? `&community_id=${community}` : ''}`), 200)
    .items
// The body without what differs from call to call.
const plain = (reply) => JSON.stringify({ ...reply.body, trace_id: 0 })

test('a row of another community answers exactly as one that does not exist, by every method', async () => {
  let tried = 0
  for (const r of resources.filter((x) => x.scope === 'community'))
    for (const [login, community] of strangers()) {
      const who = await house.as(login)
      const [row] = await rowsOf(r.path, community)
      if (!row) continue
      for (const [path, item] of Object.entries(doc.paths)) {
        if (!path.startsWith(`/api/v1/${r.path}/{id}`)) continue
        for (const method of Object.keys(item).filter((m) => m !== 'parameters')) {
          for (const action of path.includes('{action}') ? ['accept', 'dispatch', 'grab', 'finish', 'cancel'] : ['']) {
            const send = (id) => {
              const address = path.replace('{id}', id).replace('{action}', action)
              const body = path.endsWith('/files')
                ? upload(PNG, 'x.png', 'after')
                : method === 'patch'
                  ? { [r.title === 'id' ? 'note' : r.title]: 'x' }
                  : {}
              if (method === 'get') return who.get(address)
              if (method === 'delete') return who.del(address, row.version)
              return who.request(method.toUpperCase(), address, body, { 'if-match': String(row.version) })
            }
            const [theirs, nothing] = [await send(row.id), await send(8_999_999_999_999_999)]
            assert.ok([403, 404, 422].includes(theirs.status), `${login} ${method} ${path}: ${theirs.status}`)
            assert.equal(plain(theirs), plain(nothing), `${login} ${method} ${path}`)
            tried++
          }
        }
      }
      const now = (await rowsOf(r.path, community)).find((x) => x.id === row.id)
      assert.deepEqual(now, row, `${login} changed nothing in ${r.path}`)
    }
  assert.ok(tried > 300, `${tried}`)
})

test('a manager here and a cashier there: the rights of the one do nothing in the other', async () => {
  const security = await house.as('security')
  const user = expect(await security.post('users', { login: 'both', name: '兼职', password: 'First-pass-1' }), 201)
  const roles = expect(await security.get('roles?limit=200'), 200).items
  for (const [key, scope_id] of [['manager', house.community], ['cashier', house.otherCommunity]])
    expect(await security.post('grants', { user_id: user.id, role_id: roles.find((r) => r.key === key).id, scope: 'community', scope_id }), 201)
  const both = patient(await house.login('both', 'First-pass-1'))
  expect(await both.post('session/password', { old: 'First-pass-1', new: 'Anju-2026-both' }), 200)
  const there = house.otherCommunity
  let tried = 0
  for (const r of resources.filter((x) => x.scope === 'community')) {
    const [row] = await rowsOf(r.path, there)
    if (!row) continue
    const refused = (reply, what) => {
      assert.ok([403, 404].includes(reply.status), `${what} ${r.path}: ${reply.status}`)
      tried++
    }
    const one = doc.paths[`/api/v1/${r.path}/{id}`]
    if (one?.patch) refused(await both.patch(`${r.path}/${row.id}`, {}, row.version), 'PATCH')
    if (one?.delete) refused(await both.del(`${r.path}/${row.id}`, row.version), 'DELETE')
    if (doc.paths[`/api/v1/${r.path}/import`]) refused(await both.post(`${r.path}/import?community_id=${there}`, 'name\r\nx\r\n', { 'content-type': 'text/csv' }), 'import')
    const now = (await rowsOf(r.path, there)).find((x) => x.id === row.id)
    assert.deepEqual(now, row, `nothing changed in ${r.path}`)
  }
  assert.ok(tried > 15, `${tried}`)
  const make = (community_id) => [['people', { community_id, name: '兼职录入' }], ['tickets', { community_id, kind: 'repair', title: '兼职登记', channel: 'phone' }]]
  for (const [path, body] of make(there)) expect(await both.post(path, body), 403)
  for (const [path, body] of make(house.community)) expect(await both.post(path, body), 201)
  const [ticket] = await rowsOf('tickets', there)
  for (const action of ['accept', 'cancel', 'dispatch']) assert.ok([403, 404].includes((await both.post(`tickets/${ticket.id}/actions/${action}`, {})).status))
  const [person] = await rowsOf('people', there)
  expect(await both.get(`people/${person.id}`), 200)
  expect(await both.post(`people/${person.id}/reveal`, { reason: '越权查看' }), 403)
  expect(await both.get(`people/export.csv?community_id=${there}&unmasked=1&reason=${encodeURIComponent('越权导出')}`), 403)
})

test('lists, files and imports of another community are not there', async () => {
  for (const r of resources.filter((x) => x.scope === 'community'))
    for (const [login, community] of strangers()) {
      const who = await house.as(login)
      const count = async () => expect(await boss.get(`${r.path}?community_id=${community}&count=1&limit=1`), 200).total
      const before = await count()
      for (const path of [r.path, `${r.path}/export.csv`, `${r.path}/export.xlsx`]) {
        if (!doc.paths[`/api/v1/${path}`]) continue
        const reply = await who.get(`${path}?community_id=${community}${path === r.path ? '&count=1&refs=1' : ''}`)
        assert.ok([403, 404].includes(reply.status), `${login} ${path} ${reply.status}`)
        assert.equal(plain(reply), plain(await who.get(`${path}?community_id=4000000001`)))
      }
      if (doc.paths[`/api/v1/${r.path}`].post) {
        const made = await who.post(r.path, {
          community_id: community,
          name: 'x',
          title: 'x',
          kind: 'repair',
          channel: 'app',
        })
        assert.ok([403, 404, 422].includes(made.status), `${login} POST ${r.path} ${made.status}`)
        if (made.status === 422)
          assert.equal(
            plain(made),
            plain(
              await who.post(r.path, {
                community_id: 4_000_000_001,
                name: 'x',
                title: 'x',
                kind: 'repair',
                channel: 'app',
              }),
            ),
          )
        expect(
          await who.post(`${r.path}/import?community_id=${community}`, 'name\r\nx\r\n', { 'content-type': 'text/csv' }),
          r.may && (await house.meta(login)).permissions.includes(createRight(r)) ? 404 : 403,
        )
      }
      assert.equal(await count(), before)
    }
})
// The right an operation needs stands in the document.
const createRight = (r) => doc.paths[`/api/v1/${r.path}/import`].post.description.match(/Needs the permission ([\w.]+)\./)[1]

test('what belongs to the company is the administrator’s alone', async () => {
  for (const r of resources.filter((x) => x.scope === 'system'))
    for (const login of [...INSIDERS, 'manager-b']) {
      const who = await house.as(login)
      const [row] = await rowsOf(r.path)
      for (const path of [
        r.path,
        `${r.path}/export.csv`,
        `${r.path}/export.xlsx`,
        ...(row ? [`${r.path}/${row.id}`, `${r.path}/${row.id}/timeline`] : []),
      ]) {
        const reply = await who.get(path)
        assert.ok([403, 404].includes(reply.status), `${login} ${path} ${reply.status}`)
      }
      if (doc.paths[`/api/v1/${r.path}`].post) {
        const made = await who.post(r.path, {
          name: '黑客',
          login: 'hacker',
          key: 'hacker',
          perms: '*',
          user_id: 1,
          role_id: 1,
          scope: 'system',
          company_id: 1,
        })
        assert.ok([403, 404, 422].includes(made.status), `${login} POST ${r.path} ${made.status}`)
      }
      if (row && doc.paths[`/api/v1/${r.path}/{id}`].patch)
        assert.ok([403, 404].includes((await who.patch(`${r.path}/${row.id}`, { name: '改名' }, row.version)).status))
    }
  for (const path of ['users', 'roles', 'communities', 'companies'])
    assert.ok(!JSON.stringify(await rowsOf(path)).includes('黑客'))
})

test('without naming a community each sees only his own', async () => {
  for (const login of [...INSIDERS, 'manager-b']) {
    const who = await house.as(login)
    const mine = login === 'manager-b' ? house.otherCommunity : house.community
    const meta = await house.meta(login)
    assert.deepEqual(
      meta.communities.map((c) => c.id),
      [mine],
    )
    for (const r of Object.values(meta.resources).filter((x) => x.scope === 'community')) {
      const page = expect(await who.get(`${r.path}?limit=200&count=1&refs=1`), 200)
      assert.ok(
        page.items.every((row) => row.community_id === mine),
        `${login} ${r.path}`,
      )
    }
  }
})

test('desk pages and search do not look over the fence', async () => {
  const theirs = (await rowsOf('spaces', house.otherCommunity))[0]
  for (const [login, community] of strangers()) {
    const who = await house.as(login)
    const space = (await rowsOf('spaces', community))[0]
    for (const path of [
      `desk/lookup?community_id=${community}&q=1`,
      `desk/board?community_id=${community}`,
      `desk/household?space_id=${space.id}`,
      `search?community_id=${community}&q=机密`,
      `people/duplicates?community_id=${community}`,
    ]) {
      const reply = await who.get(path)
      const found = reply.status === 200 ? reply.body.items : null
      assert.ok([403, 404].includes(reply.status) || found?.length === 0, `${login} ${path} ${reply.status}`)
      assert.ok(!JSON.stringify(reply.body).includes('机密'), `${login} ${path}`)
    }
  }
  for (const login of ['worker1', 'cashier', 'resident1'])
    for (const path of ['desk/lookup?q=1', 'desk/board', `desk/household?space_id=${theirs.id}`, 'people/duplicates'])
      assert.ok([403, 404].includes((await (await house.as(login)).get(path)).status), `${login} ${path}`)
})

test('a resident sees his own tickets and nothing else of anybody', async () => {
  const [one, two] = await Promise.all(['resident1', 'resident2'].map(house.as))
  const foreign = await house.register(two, { space_id: house.resident2.space_id, title: '隔壁的秘密' })
  const own = await house.register(one, { space_id: house.resident1.space_id, title: '我家的事' })
  const page = expect(await one.get('tickets?limit=200&count=1'), 200)
  assert.ok(page.items.length > 0 && page.items.every((t) => t.person_id === house.resident1.person_id))
  const theirs = expect(
    await boss.get(`tickets?community_id=${house.community}&person_id=${house.resident1.person_id}&count=1&limit=1`),
    200,
  )
  assert.equal(page.total, theirs.total)
  assert.ok(
    page.items.every((t) => !('cost' in t)),
    'what it cost the house is not shown',
  )
  assert.deepEqual(expect(await one.get(`tickets?q=${encodeURIComponent('隔壁的秘密')}&count=1`), 200).total, 0)
  assert.deepEqual(expect(await one.get(`tickets?person_id=${house.resident2.person_id}&count=1`), 200).total, 0)
  assert.deepEqual(expect(await one.get(`search?q=${encodeURIComponent('隔壁的秘密')}`), 200).items, [])
  for (const path of ['', '/timeline', '/files']) expect(await one.get(`tickets/${foreign.id}${path}`), 404)
  for (const path of ['/similar', '/candidates']) expect(await one.get(`tickets/${own.id}${path}`), 403)
  expect(await one.post(`tickets/${foreign.id}/comments`, { text: 'x' }), 404)
  expect(await one.post(`tickets/${foreign.id}/files`, upload(PNG, 'x.png', 'after')), 404)
  expect(await one.post(`tickets/${foreign.id}/actions/cancel`, { reason: 'x' }), 404)
  for (const path of ['people', 'spaces', 'staff', 'ratings', 'categories', 'shifts', 'users'])
    expect(await one.get(path), 403)
  const spaces = expect(await one.get('me/spaces'), 200).items
  assert.ok(spaces.every((s) => s.person_id === house.resident1.person_id && s.community_id === house.community))
  expect(await one.get('tickets/export.csv'), 403)
})

test('a worker sees his own orders and the free ones', async () => {
  const other = await house.register(await house.as('desk'), { title: '未受理' })
  for (const login of ['worker1', 'worker2']) {
    const who = await house.as(login)
    const me = house[login].staff_id
    const page = expect(await who.get('tickets?limit=200'), 200)
    assert.ok(
      page.items.every(
        (t) => t.assignee_id === me || t.handover_to_id === me || (t.assignee_id === null && t.state === 'accepted' && t.kind === 'repair'),
      ),
      login,
    )
    expect(await who.get(`tickets/${other.id}`), 403)
    expect(await who.get('people'), 403)
    const free = page.items.find((t) => t.assignee_id === null && t.contact_phone)
    if (free) assert.match(free.contact_phone, /\*/, 'a phone only when the order is his')
  }
  const t = await house.ticketIn('dispatched')
  assert.doesNotMatch(expect(await (await house.as('worker1')).get(`tickets/${t.id}`), 200).contact_phone, /\*/)
})

test('the cashier finds people but not their numbers, by no road', async () => {
  const cashier = await house.as('cashier')
  const { items } = expect(await cashier.get('people?limit=200'), 200)
  const plainRow = { id: house.resident1.person_id, ...(await reveal(boss, `people/${house.resident1.person_id}`)) }
  assert.ok(items.filter((p) => p.phone).every((p) => /\*/.test(p.phone)))
  const one = expect(await cashier.get(`people/${plainRow.id}`), 200)
  assert.match(one.phone, /^\d{3}\*+\d{4}$/)
  for (const path of [
    'people/export.csv',
    'identities/export.csv',
    `people/${plainRow.id}/timeline`,
    `people?q=${plainRow.phone}`,
    'identities?limit=200',
  ]) {
    const reply = await cashier.get(path)
    expect(reply, 200)
    assert.ok(!reply.bytes.toString().includes(plainRow.phone), path)
  }
  // Who knows the number finds its owner; who does not cannot find the number digit by digit.
  assert.equal(expect(await cashier.get(`people?q=${plainRow.phone}`), 200).items[0].id, plainRow.id)
  for (const part of [plainRow.phone.slice(0, 10), plainRow.phone.slice(1), plainRow.phone.slice(3, 9)]) {
    assert.deepEqual(expect(await cashier.get(`people?q=${part}`), 200).items, [])
    assert.deepEqual(expect(await cashier.get(`search?q=${part}`), 200).items, [])
  }
  const masked = expect(await boss.get(`identities?community_id=${house.community}&kind=plate&limit=1`), 200).items[0]
  assert.ok(masked, 'the demo has number plates')
  const plate = await reveal(boss, `identities/${masked.id}`)
  assert.deepEqual(
    expect(await cashier.get(`search?q=${encodeURIComponent(plate.value)}`), 200).items.filter(
      (i) => i.title === plate.value,
    ),
    [],
  )
})
