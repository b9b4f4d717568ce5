// lists.test.mjs - paging loses and doubles nothing; filters, sort, search, count and refs say the truth.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { expect, faults, openHouse, reveal } from '../lib/house.mjs'

let house, desk, manager
before(async () => {
  house = await openHouse()
  desk = await house.as('desk')
  manager = await house.as('manager')
})
after(() => house.stop())

// Every page of the list → all its rows.
async function all(who, path, limit) {
  const rows = []
  for (let next = ''; next !== null;) {
    const page = expect(
      await who.get(
        `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${next && `&after=${encodeURIComponent(next)}`}`,
      ),
      200,
    )
    rows.push(...page.items)
    assert.ok(page.items.length <= limit && (page.next === null || page.items.length === limit))
    next = page.next
  }
  return rows
}
const ids = (rows) => rows.map((r) => r.id)

test('pages of 7 are the pages of 200, in every order', async () => {
  for (const path of [
    'staff',
    'categories',
    'shifts',
    'staff?sort=-id',
    'spaces?kind=building',
    'sla-policies',
    'priority-policies?sort=id',
  ]) {
    const [small, large] = [await all(manager, path, 7), await all(manager, path, 200)]
    assert.deepEqual(ids(small), ids(large), path)
    assert.equal(new Set(ids(small)).size, small.length)
  }
  for (const sort of ['id', '-id', 'resolve_due', '-resolve_due']) {
    const path = `tickets?state=closed,received,accepted&sort=${sort}`
    const large = await all(desk, path, 200)
    assert.ok(large.length > 20, 'the demo has tickets')
    assert.deepEqual(ids(await all(desk, path, 23)), ids(large), sort)
    const [field, sign] = sort.startsWith('-') ? [sort.slice(1), -1] : [sort, 1]
    const value = (r) => (field === 'id' ? r.id : Date.parse(r[field]))
    large.forEach((r, i) => assert.ok(i === 0 || sign * (value(r) - value(large[i - 1])) >= 0, sort))
  }
})

test('a row made while paging disturbs no page', async () => {
  const first = expect(await desk.get('tickets?limit=7'), 200)
  const fresh = await house.register(desk)
  const second = expect(await desk.get(`tickets?limit=7&after=${encodeURIComponent(first.next)}`), 200)
  const seen = ids([...first.items, ...second.items])
  assert.equal(new Set(seen).size, 14)
  assert.ok(!seen.includes(fresh.id))
  assert.equal(expect(await desk.get('tickets?limit=1'), 200).items[0].id, fresh.id)
})

test('filters: one, several, ranges, not, null; count agrees', async () => {
  const total = async (query) => {
    const page = expect(await desk.get(`tickets?count=1&limit=200&${query}`), 200)
    if (page.next === null) assert.equal(page.total, page.items.length, query)
    return page.total
  }
  const everything = await total('')
  const states = [
    'received',
    'accepted',
    'dispatched',
    'in_progress',
    'paused',
    'finished',
    'informed',
    'closed',
    'cancelled',
    'merged',
  ]
  let sum = 0
  for (const s of states) sum += await total(`state=${s}`)
  assert.equal(sum, everything)
  assert.equal(
    (await total('state=received')) + (await total('state=accepted')),
    await total('state=received,accepted'),
  )
  assert.equal(await total('state.ne=closed'), everything - (await total('state=closed')))
  const nobody = await total('assignee_id=null')
  assert.equal(nobody + (await total('assignee_id.ne=null')), everything)
  assert.ok(nobody > 0)
  const middle = (await all(desk, 'tickets?sort=id', 200))[5].created_at
  const at = encodeURIComponent(middle)
  assert.equal((await total(`created_at.lt=${at}`)) + (await total(`created_at.gte=${at}`)), everything)
  assert.equal((await total(`created_at.lte=${at}`)) + (await total(`created_at.gt=${at}`)), everything)
  assert.ok((await total(`created_at=${at}`)) >= 1)
  for (const t of expect(await desk.get('tickets?kind=complaint&priority=P1,P2&limit=50'), 200).items)
    assert.ok(t.kind === 'complaint' && /P[12]/.test(t.priority))
  const late = expect(await desk.get('tickets?resolve_breached=true&limit=5'), 200).items
  assert.ok(late.every((t) => t.resolve_breached))
  const own = expect(await desk.get(`tickets?person_id=${house.resident1.person_id}&limit=200`), 200).items
  assert.ok(own.length > 0 && own.every((t) => t.person_id === house.resident1.person_id))
})

test('q finds texts as they are written: % and _ are letters', async () => {
  const marks = ['满意率 100% 达成', '代号 A_B 管道', '代号 AxB 管道', String.raw`路径 C:\temp`]
  const made = []
  for (const title of marks) made.push(await house.register(desk, { title }))
  const find = async (q) =>
    expect(await desk.get(`tickets?q=${encodeURIComponent(q)}&limit=200`), 200).items.map((t) => t.title)
  assert.deepEqual(await find('100%'), [marks[0]])
  assert.deepEqual(await find('A_B'), [marks[1]])
  assert.deepEqual(await find('a_b'), [marks[1]])
  assert.deepEqual(await find(String.raw`C:\t`), [marks[3]])
  assert.ok((await find('%')).every((t) => t.includes('%')))
  assert.deepEqual(await find(made[2].code), [marks[2]])
  assert.deepEqual(await find(made[2].code.toLowerCase()), [marks[2]])
})

test('refs name what the rows point to; actions say what may be done', async () => {
  const page = expect(await desk.get('tickets?refs=1&actions=1&limit=50&assignee_id.ne=null'), 200)
  assert.ok(page.items.length > 0)
  for (const t of page.items) {
    assert.ok(page.refs.staff[t.assignee_id])
    if (t.space_id) assert.ok(page.refs.spaces[t.space_id])
    assert.ok(Array.isArray(t.actions))
  }
  const one = expect(await desk.get(`tickets/${page.items[0].id}?refs=1`), 200)
  assert.deepEqual(one.refs.staff[one.assignee_id], page.refs.staff[one.assignee_id])
  assert.equal(expect(await desk.get('tickets?limit=1'), 200).items[0].actions, undefined)
})

test('archived rows are apart from the others and cannot be pointed at', async () => {
  const made = expect(await manager.post('skills', { community_id: house.community, name: '高空作业' }), 201)
  const gone = expect(await manager.del(`skills/${made.id}`, made.version), 200)
  assert.equal(gone.archived, true)
  assert.ok(!ids(expect(await manager.get('skills?limit=200'), 200).items).includes(made.id))
  assert.ok(ids(expect(await manager.get('skills?limit=200&archived=1'), 200).items).includes(made.id))
  assert.equal(
    faults(
      await manager.post('categories', {
        community_id: house.community,
        name: '新分类',
        kind: 'repair',
        place: 'none',
        group_name: '新',
        problem: '新',
        skill_id: made.id,
      }),
    ).skill_id,
    'ref',
  )
  expect(await manager.post('skills', { community_id: house.community, name: '高空作业' }), 201) // the name is free again
})

test('desk: households by room, name, phone; board columns add up', async () => {
  const lookup = async (q) =>
    expect(await desk.get(`desk/lookup?community_id=${house.community}&q=${encodeURIComponent(q)}`), 200).items
  const space = expect(await desk.get(`spaces/${house.resident1.space_id}`), 200)
  const masked = expect(await desk.get(`people/${house.resident1.person_id}`), 200)
  const person = { ...masked, ...(await reveal(desk, `people/${masked.id}`)) }
  assert.match(masked.phone, /^\d{3}\*{4}\d{4}$/)
  for (const q of [space.code, person.name, person.phone, person.phone.slice(-4)]) {
    const hit = (await lookup(q)).find((h) => h.space_id === space.id)
    assert.ok(hit, `found by ${q}`)
    assert.ok(hit.persons.some((p) => p.id === person.id && p.phone === masked.phone))
  }
  // Who called, not who owns the home: the screen sees phones masked only and could not tell.
  const other = expect(await desk.post('people', { community_id: house.community, name: '来电的家属', kind: 'person', phone: '13655570123' }), 201)
  expect(await desk.post('occupancies', { community_id: house.community, person_id: other.id, space_id: space.id, relation: 'family', from_date: '2026-01-01' }), 201)
  for (const q of ['13655570123', '1365557', '0123', '来电的家属', '来电的'])
    assert.deepEqual((await lookup(q)).find((h) => h.space_id === space.id)?.matched, { person_id: other.id, kind: null, value: null }, `found by ${q}`)
  assert.ok((await lookup(space.code.split('-')[0])).length <= 20)
  expect(await desk.post('identities', { community_id: house.community, person_id: person.id, kind: 'plate', value: '苏P·M5071' }), 201)
  for (const q of ['5071', 'M5071', 'm5071', 'P·M5071', '苏PM5071', '苏p·m5071', '苏P-M 5071', '苏P·M5071', '苏P·M'])
    assert.ok((await lookup(q)).some((h) => h.space_id === space.id), `the car is found by ${q}`)
  for (const q of ['M507', '071', '5072', '粤PM5071']) assert.ok(!(await lookup(q)).some((h) => h.space_id === space.id), `no car by ${q}`)
  expect(await desk.post('identities', { community_id: house.community, person_id: person.id, kind: 'contract', value: 'HT-2024-0815' }), 201)
  for (const q of ['HT-2024-0815', 'ht 2024 0815', '0815'])
    assert.deepEqual((await lookup(q)).find((h) => h.space_id === space.id)?.matched, { person_id: person.id, kind: 'contract', value: 'H**' })
  assert.deepEqual((await lookup('苏PM5071')).find((h) => h.space_id === space.id).matched, { person_id: person.id, kind: 'plate', value: '苏**' })
  assert.equal((await lookup(space.code)).find((h) => h.space_id === space.id).matched, null)
  assert.equal(expect(await desk.get(`identities?community_id=${house.community}&person_id=${person.id}&limit=50`), 200).items[0].value_key, undefined)
  const card = expect(await desk.get(`desk/household?space_id=${space.id}`), 200)
  assert.equal(card.space.id, space.id)
  assert.ok(card.tickets.length <= 20 && card.tickets.every((t) => t.space_id === space.id))
  const board = expect(await desk.get(`desk/board?community_id=${house.community}`), 200)
  assert.deepEqual(
    board.columns.map((c) => c.key),
    ['new', 'assigned', 'doing', 'verify'],
  )
  for (const column of board.columns) assert.ok(column.items.length === Math.min(50, column.total))
  const open = expect(
    await desk.get('tickets?state=received,accepted,dispatched,in_progress,paused,finished,informed&count=1&limit=1'),
    200,
  ).total
  assert.equal(
    board.columns.reduce((n, c) => n + c.total, 0),
    open,
  )
  assert.ok(board.workers.length >= 2 && board.workers.every((w) => typeof w.on_duty === 'boolean'))
  const t = await house.ticketIn('accepted')
  const { items } = expect(await (await house.as('dispatcher')).get(`tickets/${t.id}/candidates`), 200)
  assert.ok(items.some((c) => c.staff_id === house.worker1.staff_id))
  assert.ok(items.filter((c) => c.suggested).length <= 1)
  const twin = await house.register(desk, { space_id: space.id })
  const similar = expect(await desk.get(`tickets/${twin.id}/similar`), 200).items
  assert.ok(similar.length > 0 && similar.length <= 5 && !ids(similar).includes(twin.id))
  assert.deepEqual(
    ids(similar),
    ids(similar).sort((a, b) => b - a),
  )
})

test('meta: an ETag that says unchanged, and menus by right', async () => {
  const first = await desk.get('meta')
  const etag = first.headers.get('etag')
  const again = await desk.get('meta', { 'if-none-match': etag })
  assert.equal(again.status, 304)
  assert.equal(again.bytes.length, 0)
  for (const [login, has] of [
    ['desk', true],
    ['cashier', false],
    ['resident1', true],
  ])
    assert.equal('tickets' in (await house.meta(login)).resources, has, login)
  assert.deepEqual(
    (await house.meta('resident1')).menu
      .flatMap((g) => g.items.map((i) => i.key))
      .filter((k) => ['people', 'staff', 'desk', 'users'].includes(k)),
    [],
  )
  assert.ok(!(await house.meta('desk')).permissions.includes('user.manage'))
})
